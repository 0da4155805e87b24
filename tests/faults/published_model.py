"""The model of an archive: what was published, what was acknowledged, and what follows for what
the archive holds.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

from nova.core.ordering import TIME_BYTES, Timebase, order_key, time_key, time_of
from nova.core.store.archive import Archive
from nova.core.store.archive_identity import ensure_id, refuse_emptied
from nova.core.store.key_value import KeyValue
from nova.core.store.keys import series_source_key
from nova.core.store.scan import scan
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.address import LANE_PRIORITY
from nova.sdk.events.event import Event, check, check_stored
from nova.sdk.timestamps import NS_MAX, NS_MIN
from nova.sdk.transport.base import Record
from tests.core.telling import START_NS, rollups_by_hand, rollups_of, told

MEMORY_BYTES = 32 * 1024 * 1024
EVERYTHING = (b"", b"\xff" * 64)
LANES = ("parsed", "parsed", "raw", "metadata")
OWN_TYPES = ("ManifestPublished", "DriverBinding")
"""Events of NOVA itself."""

CACHED_EVENTS = 60_000
HOUR_NS = 3_600 * 10**9


class PublishedModel:
    """Events have numbers and are published in their order, batch after batch; the next batch only
    after the one before was acknowledged. So canonical order is the order of the numbers.
    """

    def __init__(self, seed: int, payload_bytes: int = 40) -> None:
        self.seed, self._payload_bytes = seed, payload_bytes
        self.sent = 0
        self.acknowledged = 0
        self.ids: list[bytes] = []
        self._source_keys: list[bytes] = []
        self.canonical: dict[int, int] = {}
        """Canonical times that were seen: they stay for ever."""

    def record(self, number: int) -> Record:
        """The event with this number: late ones, equal times and the ends of time among them."""
        drawn = zlib.crc32(b"%d:%d" % (self.seed, number))
        at_ns = START_NS + number // 3 * 1_000_003 - (drawn % 7 == 0) * (drawn % 900) * HOUR_NS
        if drawn % 499 < 2:
            at_ns = (NS_MIN, NS_MAX)[drawn % 2] + (-1) ** (drawn % 2) * (drawn // 499 % 3)
        lane = LANES[drawn // 16 % 4]
        unit = "abcdefghijk"[drawn % 11] + f"{self.seed}-{number}"[: 3 * (drawn % 101 == 0)]
        members = {
            "scopeId": "sat",
            "lane": lane,
            "systemId": "bus",
            "containerId": "eps",
            "uniqueId": unit,
            "sourceTruthTime": timestamps.text(at_ns),
        }
        if lane == "raw":
            return Record(None, msgspec.json.encode(members | {"bytes": number.to_bytes(8, "big")}))
        payload = {"n": number, "x": "x" * (drawn % (2 * self._payload_bytes))}
        version = {} if lane == "metadata" else {"schemaVersion": "1"}
        body = {"messageType": "Numbers", **version, "payload": payload}
        return Record(None, msgspec.json.encode(members | body))

    def next_batch(self, count: int) -> list[Record]:
        """The next events, which are sent for the first time."""
        numbers = range(self.sent, self.sent + count)
        records = [self.record(number) for number in numbers]
        events = [check(record.value) for record in records]
        self.ids += [event.event_id for event in events]
        self._source_keys += [_source_key(event) for event in events]
        self.sent += count
        return records

    def acknowledge(self) -> None:
        """Everything that was sent is acknowledged."""
        self.acknowledged = self.sent

    def unacknowledged(self) -> list[Record]:
        return [self.record(number) for number in range(self.acknowledged, self.sent)]

    # --- judging ------------------------------------------------------------------------------

    def go_back(self, acknowledged: int) -> None:
        """To the moment when this many were acknowledged; the others may have arrived or not."""
        self.acknowledged = acknowledged

    def faults_of(self, data: Path, acknowledged: int, *, with_counts: bool = True) -> list[str]:
        """What is wrong in an archive, opened as its writer would: nothing, if all is well.
        `acknowledged` is how many were at the moment that the archive is of.
        """
        refuse_emptied(data)
        archive = Archive.open_primary(data, MEMORY_BYTES)
        try:
            committer = Committer(archive, data)
            ensure_id(archive, data)
            events = list(archive.events.scan("canonical"))
            faults = self._order_faults(events, acknowledged)
            if committer.counters.events != len(events):
                faults.append(f"{committer.counters.events} counted, {len(events)} there")
            faults += _index_faults(archive, events)
            if with_counts and rollups_of(archive) != rollups_by_hand(told(archive)):
                faults.append("the counts of the timeline are not those of its events")
            return faults
        finally:
            archive.close()

    def _order_faults(self, events: Sequence[KeyValue], acknowledged: int) -> list[str]:
        """What is wrong with the events in canonical order."""
        faults: list[str] = []
        numbers = {event_id: number for number, event_id in enumerate(self.ids)}
        count = 0
        for key, stored in events:
            event, canonical_ns = _checked(stored)
            if event.series.message_type in OWN_TYPES:
                continue
            number = numbers.get(event.event_id)
            if time_of(key) != canonical_ns:
                faults.append(f"event {number} says {canonical_ns}, its key {time_of(key)}")
            if number != count:
                return [*faults, f"event {number} is where {count} is expected"]
            if count < acknowledged:
                before = self.canonical.setdefault(count, canonical_ns)
                if before != canonical_ns:
                    faults.append(f"event {count} moved from {before} to {canonical_ns}")
            count += 1
        if count < acknowledged:
            faults.append(f"lost: {acknowledged} were acknowledged, {count} are there")
        return faults

    def answer_faults(self, answer: Sequence[bytes], timebase: Timebase) -> list[str]:
        """What is wrong with an answer that should hold all events, in the order of a timebase."""
        numbers = {event_id: number for number, event_id in enumerate(self.ids)}
        ids = [_checked(stored)[0].event_id for stored in answer]
        found = [numbers[event_id] for event_id in ids if event_id in numbers]
        right = list(range(self.sent))
        if timebase == "source":
            right.sort(key=self._source_keys.__getitem__)
        if found == right:
            return []
        return [
            f"an answer in {timebase} time has {len(found)} events of {self.sent}, or another order"
        ]


def _source_key(event: Event) -> bytes:
    return order_key(event.source_ns, LANE_PRIORITY[event.series.lane], event.event_id)


_checked = lru_cache(CACHED_EVENTS)(check_stored)


def _index_faults(archive: Archive, events: Sequence[KeyValue]) -> list[str]:
    """Whether each index has exactly the rows of the events."""
    right: dict[str, list[bytes]] = {"source": [], "series_canonical": [], "series_source": []}
    for key, stored in events:
        event, canonical_ns = _checked(stored)
        time, series = key[:TIME_BYTES], key[TIME_BYTES:]
        source = _source_key(event)
        right["source"].append(source + key)
        right["series_canonical"].append(series + time_key(canonical_ns))
        right["series_source"].append(series_source_key(series, source) + time)
    faults = []
    for family, rows in right.items():
        found = [key + value for key, value in scan(archive.families[family], *EVERYTHING)]
        if found != sorted(rows):
            lacking, more = len(set(rows) - set(found)), len(set(found) - set(rows))
            faults.append(f"{family}: {lacking} rows are missing, {more} are of no event")
    return faults
