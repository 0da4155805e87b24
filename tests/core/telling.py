"""Events of several scopes, lanes and units with numeric fields, and their expected counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from nova.core.ordering import TIMEBASES, Timebase, unsigned_time
from nova.core.store.archive import Archive
from nova.core.store.rollup import (
    LEVELS,
    ROLLUP_PREFIX,
    bucket_of,
    decode_row,
    lane_counts,
    slots_of,
)
from nova.core.store.scan import scan
from nova.sdk import timestamps
from nova.sdk.address import LANES
from nova.sdk.events.event import check_stored
from nova.sdk.field_types import JsonObject
from nova.sdk.transport.base import Record

START_NS = timestamps.parse("2026-01-01T00:00:00Z")

_ROW_HEAD_BYTES = len(ROLLUP_PREFIX) + 2


class ViewedEvent(NamedTuple):
    """A stored event as a test looks at it."""

    scope: str
    lane: str
    unit: str
    source_ns: int
    canonical_ns: int
    stored: bytes

    def time(self, timebase: Timebase) -> int:
        """Its time in ns."""
        return self.source_ns if timebase == "source" else self.canonical_ns


def telling(
    at_ns: int,
    payload: JsonObject | None = None,
    *,
    scope: str = "sat",
    lane: str = "parsed",
    unit: str = "u",
) -> Record:
    """The record of one event; ui has its payload as data, raw its time."""
    members: JsonObject = {
        "scopeId": scope,
        "lane": lane,
        "systemId": "bus",
        "containerId": "eps",
        "uniqueId": unit,
        "sourceTruthTime": timestamps.text(at_ns),
    }
    body = payload or {}
    if lane == "raw":
        members |= {"bytes": at_ns.to_bytes(8, "big", signed=True)}
    elif lane == "ui":
        names = {"viewId": "v", "manifestId": "m", "manifestVersion": "1"}
        members |= {"messageType": "UiUpdate", **names, "data": body}
    elif lane == "command":
        command = {"commandId": "c", "targetId": "t", "commandType": "go", "progressPercent": 1}
        members |= {"messageType": "CommandProgress", **command}
    else:
        version = {} if lane == "metadata" else {"schemaVersion": "1"}
        members |= {"messageType": "Numbers", **version, "payload": body}
    return Record(None, msgspec.json.encode(members))


def told(archive: Archive) -> list[ViewedEvent]:
    """Everything that an archive holds, in canonical order."""
    found = []
    for _, stored in archive.events.scan("canonical"):
        event, canonical_ns = check_stored(stored)
        series = event.series
        ids = (series.scope_id, series.lane, series.unique_id)
        found.append(ViewedEvent(*ids, event.source_ns, canonical_ns, stored))
    return found


Counted = Counter[tuple[str, int, str, int, str]]
"""Events by timebase, level, scope, bucket and lane."""


def rollups_by_hand(events: Sequence[ViewedEvent]) -> Counted:
    """What the rollups of these events have to say."""
    return Counter(
        (timebase[0], level, one.scope, unsigned_time(one.time(timebase)) >> level, one.lane)
        for one in events
        for timebase in TIMEBASES
        for level in LEVELS
    )


def rollups_of(archive: Archive) -> Counted:
    """What the rollups of an archive say."""
    return Counter(dict(_rows(archive)))


def _rows(archive: Archive) -> Iterator[tuple[tuple[str, int, str, int, str], int]]:
    for timebase in ("s", "c"):
        head = ROLLUP_PREFIX + timebase.encode()
        bounds = head + bytes((LEVELS[0],)), head + bytes((LEVELS[-1] + 1,))
        for key, value in scan(archive.families["catalog"], *bounds):
            level = key[_ROW_HEAD_BYTES - 1]
            scope = key[_ROW_HEAD_BYTES:-9].decode()
            for slot, counts in slots_of(decode_row(value)):
                bucket = bucket_of(key, level) + slot
                for lane, count in zip(LANES, lane_counts(counts), strict=True):
                    if count:
                        yield (timebase, level, scope, bucket, lane), count


def moved(record: Record, number: int) -> Record:
    """The same event a little later, so that it is another one."""
    members: JsonObject = msgspec.json.decode(record.value)
    at_ns = timestamps.parse(str(members["sourceTruthTime"])) + 1 + number
    return Record(None, msgspec.json.encode(members | {"sourceTruthTime": timestamps.text(at_ns)}))
