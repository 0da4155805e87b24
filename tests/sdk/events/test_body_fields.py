"""The fields of events are the scalars of their bodies."""

from __future__ import annotations

import msgspec
import pytest

from nova.sdk.events.body_fields import DEPTH_MAX, FIELDS_MAX, field_kinds


def kinds(*bodies: dict[str, object], member: str = "payload") -> dict[str, str]:
    return dict(field_kinds(msgspec.json.encode({member: body}) for body in bodies))


@pytest.mark.parametrize("member", ["payload", "data"])
def test_scalars_have_paths(member: str) -> None:
    body = {"a": {"b": 1.5, "c": [1]}, "on": False, "text": "", "none": None}
    found = {"a.b": "number", "on": "boolean", "text": "string"}
    assert kinds(body, member=member) == found


def test_the_first_kind_counts() -> None:
    assert kinds({"a": None}, {"a": True}, {"a": 1, "b": 2}) == {"a": "boolean", "b": "number"}


def test_fields_and_depth_have_a_maximum() -> None:
    assert len(kinds({f"f{number}": 1 for number in range(FIELDS_MAX + 1)})) == FIELDS_MAX
    nested: dict[str, object] = {"leaf": 1}
    for _ in range(DEPTH_MAX):
        nested = {"n": nested}
    assert len(kinds(nested)) == 1
    assert kinds({"n": nested}) == {}
