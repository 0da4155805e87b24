"""The disk space of deleted days is free again, except for what their ids need."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from nova.core.ordering import TIMEBASES
from nova.core.store.archive import Archive
from nova.core.store.keys import FAMILIES
from nova.core.store.reclaim import reclaim
from nova.core.utc_day import NS_PER_DAY
from nova.sdk.field_types import JsonObject
from nova.sdk.transport.base import Record
from tests.core.retaining import KEPT_DAYS, KEPT_NS, Retaining
from tests.core.telling import START_NS, ViewedEvent, telling, told

GIVEN_BACK_SHARE = 0.95
"""Of the bytes that deleted events had."""


def telemetry(number: int, events: int, draw: random.Random) -> list[Record]:
    """A day's readings of a battery."""
    found = []
    for place in range(events):
        at_ns = START_NS + number * NS_PER_DAY + place * NS_PER_DAY // events
        battery = {"voltage": draw.random() * 30, "current": draw.random(), "count": place}
        state = {"temperature": draw.random() * 50, "mode": draw.choice(("SAFE", "NOMINAL"))}
        values: JsonObject = {
            "battery": {**battery, **state},
            "solar": [draw.random() for _ in range(4)],
        }
        found.append(telling(at_ns + draw.randrange(10**6), values, unit=draw.choice("abcd")))
    return found


def compacted_bytes(archive: Archive) -> int:
    """The size of the table files once everything in memory is in them."""
    for name in FAMILIES:
        archive.families[name].flush()
        archive.families[name].compact_range(None, None)
    return sum(
        archive.families[name].property_int_value("rocksdb.total-sst-files-size") or 0
        for name in FAMILIES
    )


def what_stays(events: Sequence[ViewedEvent]) -> set[bytes]:
    """The kept days, and of each unit the last event before them in either timebase."""
    earlier = [event for event in events if event.canonical_ns < KEPT_NS]
    assert all(event.source_ns < KEPT_NS for event in earlier), "those would stay as well"
    last = {
        (timebase, event.unit): event.stored
        for timebase in TIMEBASES
        for event in sorted(earlier, key=lambda event: event.time(timebase))
    }
    kept_days = {event.stored for event in events if event.canonical_ns >= KEPT_NS}
    return kept_days | set(last.values())


@pytest.mark.parametrize("events_per_day", [1_000, pytest.param(40_000, marks=pytest.mark.slow)])
async def test_deleted_days_leave_their_ids_alone(tmp_path: Path, events_per_day: int) -> None:
    sizes = []
    for first in (0, KEPT_DAYS):
        retaining = Retaining(tmp_path / str(first), events_per_day, make_day=telemetry)
        retaining.part_events = 2_000
        retaining.days[:first] = [[] for _ in range(first)]
        retaining.fill()
        sizes.append(compacted_bytes(retaining.archive))
        if first == 0:
            before = told(retaining.archive)
            await retaining.give_back()
            assert reclaim(retaining.archive)
            assert not reclaim(retaining.archive)
            left = sum(
                retaining.archive.families[name].property_int_value("rocksdb.total-sst-files-size")
                or 0
                for name in FAMILIES
            )
            held = {event.stored for event in told(retaining.archive)}
            assert held & {e.stored for e in before} == what_stays(before)
        retaining.archive.close()
    whole, half = sizes
    assert whole - left >= GIVEN_BACK_SHARE * (whole - half)
