"""The fields of a series, and which values of an event are numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nova.core.commit_feed import CommitFrame
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.fields import DEPTH_MAX, list_fields, numbers_at, numeric_fields, source_time
from nova.sdk.protocol.timeline import Fields
from nova.sdk.transport.base import Record
from tests.core.telling import START_NS, telling

Commit = Callable[[Sequence[Record]], CommitFrame]


def asked(lane: str, unit: str = "u") -> Fields:
    """The fields of a unit's series."""
    view_id = "v" if lane == "ui" else ""
    kind = {"ui": "UiUpdate", "raw": ""}.get(lane, "Numbers")
    return Fields(
        scope_id="sat",
        system_id="bus",
        container_id="eps",
        unique_id=unit,
        lane=lane,  # type: ignore[arg-type]  # it is a lane
        message_type=kind,
        view_id=view_id,
    )


def test_fields_are_those_of_the_newest_events(view: ArchiveSnapshot, commit: Commit) -> None:
    """Partial updates add up; the newest value says the kind, null says nothing."""
    commit(
        [
            telling(START_NS, {"volts": "n/a", "mode": "safe", "gone": None}, lane="ui"),
            telling(START_NS + 1, {"volts": 3.5, "gps": {"lat": 1, "fix": True}}, lane="ui"),
            telling(START_NS + 2, {"list": [1, {"x": 2}], "gps": {"lat": 2}}, lane="ui"),
        ]
    )
    found = {info.field: info.kind for info in list_fields(view, asked("ui")).fields}
    assert found == {"gps.fix": "boolean", "gps.lat": "number", "mode": "string", "volts": "number"}


def test_a_series_without_a_body_or_that_is_not_there_has_no_fields(
    view: ArchiveSnapshot, commit: Commit
) -> None:
    """Not an error: there is nothing to choose from."""
    commit([telling(START_NS, lane="raw"), telling(START_NS, {"a": 1}, lane="metadata")])
    assert list_fields(view, asked("raw")).fields == []
    assert list_fields(view, asked("ui", "nobody")).fields == []
    assert [info.field for info in list_fields(view, asked("metadata")).fields] == ["a"]


def test_numbers_of_an_event() -> None:
    """Booleans count as 0 and 1; texts, arrays and what lies too deep are no numbers."""
    deep: dict[str, object] = {"x": 1}
    for _ in range(DEPTH_MAX + 1):
        deep = {"d": deep}
    payload = {"a": 1, "b": -2.5, "on": True, "t": "3", "l": [4], "o": {"c": {"e": 0}}, **deep}
    stored = telling(START_NS, payload).value
    told = numeric_fields(stored)
    assert told.source_ns == source_time(stored) == START_NS
    assert told.values == {"a": 1.0, "b": -2.5, "on": 1.0, "o.c.e": 0.0}
    assert numbers_at(stored, [*told.values, "t", "l", "o.c", "o", "x.y"]) == [
        *told.values.values(),
        *[None] * 5,
    ]


def test_a_name_may_have_dots_of_its_own() -> None:
    """What `fields` names can be asked for by that name."""
    stored = telling(START_NS, {"a.b": 1, "c": {"d.e": 2, "f": {"g.h.i": 3}}}).value
    told = numeric_fields(stored).values
    assert told == {"a.b": 1, "c.d.e": 2, "c.f.g.h.i": 3}
    assert numbers_at(stored, list(told)) == [1, 2, 3]
