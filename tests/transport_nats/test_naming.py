"""Subjects, streams, and which of them a subscription wants."""

from __future__ import annotations

import pytest

from nova.sdk.errors import TransportError
from nova.sdk.transport.base import Subscription
from nova.transport_nats import naming


@pytest.mark.parametrize(
    "address",
    [
        "nova.s.raw.bus.eps.one.v1",
        "nova.s.metadata.__scope__.__scope__.__scope__.v1",
        "nova.s.command.request-1.v1",
        "nova.s.command.command-1:CommandResult.v1",
        "nova.s.raw.v1",
    ],
)
def test_the_subject_is_the_address(address: str) -> None:
    """A-105, A-186, A-187: nothing of it is changed."""
    assert str(naming.parse_address(address)) == address


@pytest.mark.parametrize(
    "address", [None, "", "nova.s.lane.v1", "nova.*.raw.v1", "nova.s.>", "a b"]
)
def test_what_is_no_address_is_refused(address: str | None) -> None:
    """No wildcard, space or line end reaches the server."""
    with pytest.raises(TransportError, match="address"):
        naming.parse_address(address)


@pytest.mark.parametrize(
    ("subjects", "scope_id", "within", "only"),
    [
        (["nova.s.>"], "s", True, "s"),
        (["nova.s.raw.>", "nova.s.ui.*.v1"], "s", True, "s"),
        (["nova.s.>"], None, True, "s"),
        (["nova.>"], None, True, None),
        (["nova.>"], "s", False, None),
        (["nova.s.>", "nova.t.>"], "s", False, None),
        (["nova.sx.>"], "s", False, "sx"),
        (["nova.*.raw.>"], "s", False, None),
        (["nova.s.>", "other"], None, False, None),
        ([">"], None, False, None),
    ],
)
def test_a_stream_that_holds_more_than_is_wanted_is_known(
    subjects: list[str], scope_id: str | None, within: bool, only: str | None
) -> None:
    """A-108: only then the server has to filter, and only then it may be of several scopes."""
    assert naming.is_within(subjects, naming.subscribed_subjects(Subscription(scope_id))) is within
    assert naming.only_scope(subjects) == only
