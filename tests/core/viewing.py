"""Updates of views with ties, late ones and duplicates, and their states folded by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from hypothesis import strategies as st

from nova.core.ordering import Timebase
from nova.core.store.checkpoint_store import HOUR_NS
from nova.sdk import timestamps
from nova.sdk.field_types import JsonObject
from nova.sdk.transport.base import Record
from tests.core.telling import START_NS, ViewedEvent

UNITS = ("a", "b")
VERSIONS = ("1.0.0", "2.0.0", "2.1.0")
MINUTE_NS = HOUR_NS // 60


class Drawn(NamedTuple):
    """An update as a test draws it; minutes are after the start."""

    minute: int
    unit: str
    version: str
    data: tuple[tuple[str, int], ...]

    def record(self) -> Record:
        """It as it arrives."""
        return updating(
            START_NS + self.minute * MINUTE_NS,
            dict(self.data),
            unit=self.unit,
            version=self.version,
        )


# Few moments, so that ties are common, on and around the bounds of hours.
MINUTES = st.sampled_from((-1, 0, 1, 59, 60, 61, 119, 120, 121, 600))
DATA = st.dictionaries(st.sampled_from("xyz"), st.integers(0, 9), min_size=1, max_size=3).map(
    lambda data: tuple(sorted(data.items()))
)
DRAWN = st.builds(
    Drawn,
    MINUTES | st.integers(0, 130),
    st.sampled_from(UNITS),
    # One version shows most.
    st.sampled_from((*VERSIONS, *(VERSIONS[0],) * 4)),
    DATA,
)
ARRIVALS = st.lists(st.lists(DRAWN, max_size=12), max_size=6)
"""Batches, each committed by itself."""


def updating(
    at_ns: int,
    data: JsonObject,
    *,
    scope: str = "sat",
    unit: str = "a",
    view: str = "v",
    manifest: str = "m",
    version: str = "1.0.0",
) -> Record:
    """The record of one update."""
    members: JsonObject = {
        "scopeId": scope,
        "lane": "ui",
        "systemId": "bus",
        "containerId": "eps",
        "uniqueId": unit,
        "sourceTruthTime": timestamps.text(at_ns),
        "messageType": "UiUpdate",
        "viewId": view,
        "manifestId": manifest,
        "manifestVersion": version,
        "data": data,
    }
    return Record(None, msgspec.json.encode(members))


class UpdateBody(msgspec.Struct, rename="camel"):
    """What of a stored update decides."""

    event_id: str
    unique_id: str
    manifest_version: str
    data: dict[str, int]


class Folded(NamedTuple):
    """A state: the version, its values with the time of each, and its last event."""

    version: str
    data: dict[str, int]
    times: dict[str, int]
    last_ns: int
    last_id: str


def in_order(
    events: Sequence[ViewedEvent], timebase: Timebase, unit: str
) -> list[tuple[int, UpdateBody]]:
    """The updates of a unit with their times, in the order of a timebase."""
    bodies = [
        (event.time(timebase), msgspec.json.decode(event.stored, type=UpdateBody))
        for event in events
        if event.lane == "ui" and event.unit == unit
    ]
    return sorted(bodies, key=lambda one: (one[0], one[1].event_id))


def state_by_hand(
    events: Sequence[ViewedEvent], timebase: Timebase, unit: str, time_ns: int
) -> Folded | None:
    """The state of a unit at a time: all keys of the version of its last update (AMB-47)."""
    until = [one for one in in_order(events, timebase, unit) if one[0] <= time_ns]
    if not until:
        return None
    last_ns, last = until[-1]
    data: dict[str, int] = {}
    times: dict[str, int] = {}
    for at_ns, body in until:
        if body.manifest_version == last.manifest_version:
            data |= body.data
            times |= dict.fromkeys(body.data, at_ns)
    return Folded(last.manifest_version, data, times, last_ns, last.event_id)
