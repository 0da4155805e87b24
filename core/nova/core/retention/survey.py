"""The survey of a day before it is given back: what there is of it, and which events stay because
the states and last values at the start of the kept days follow from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec

from nova.core.ordering import (
    EVENT_KEY_BYTES,
    LAST_TAIL,
    TIME_BYTES,
    event_key_tail,
    order_key,
    time_key,
)
from nova.core.retention.last_events import LastEvents
from nova.core.store.archive import Archive
from nova.core.store.given_back import TimeSpan
from nova.core.utc_day import span_of
from nova.sdk import timestamps
from nova.sdk.address import LANE_PRIORITY
from nova.sdk.events.digest import EventDigest
from nova.sdk.timestamps import NS_MIN, NS_PER_SECOND

HOUR_NS = 3_600 * NS_PER_SECOND
SPANS_MAX = 256
"""Spans of source time per day; the nearest are joined beyond that."""

SLICE_EVENTS = 2_000


class DayPart(NamedTuple):
    """Events in order of receipt: their event keys and envelopes."""

    event_keys: list[bytes]
    stored: list[bytes]


class _Identity(msgspec.Struct, rename="camel"):
    event_id: str
    source_truth_time: str


_identity_decoder = msgspec.json.Decoder(_Identity)


def source_key(stored: bytes, lane: str) -> bytes:
    """The order key of a stored event in source time."""
    identity = _identity_decoder.decode(stored)
    at_ns = timestamps.parse(identity.source_truth_time)
    return order_key(at_ns, LANE_PRIORITY[lane], bytes.fromhex(identity.event_id))


def day_parts(
    archive: Archive, numbers: Sequence[int], span: TimeSpan, part_events: int = SLICE_EVENTS
) -> Iterator[DayPart]:
    """The events of some series that were received in a span, in slices. A slice may be empty."""
    suffixes = set(map(event_key_tail, numbers))
    lower, upper = time_key(span[0]), time_key(span[1]) + LAST_TAIL
    part = DayPart([], [])
    seen = 0
    for key, stored in archive.events.scan("canonical", lower, upper):
        seen += 1
        if key[TIME_BYTES:EVENT_KEY_BYTES] in suffixes:
            part.event_keys.append(key)
            part.stored.append(stored)
        if seen == part_events:
            yield part
            part, seen = DayPart([], []), 0
    yield part


class DaySurvey:
    """Counts, digest and source times of one day of a scope and lane, and the events that stay."""

    def __init__(self, day: str, lane: str) -> None:
        self.span = span_of(day)
        self.lane = lane
        self.bytes = 0
        self.earlier = 0
        """Events that stayed of earlier days."""

        self.digest = EventDigest()
        self._hours: dict[int, TimeSpan] = {}
        self._last = LastEvents(self.span[1] + 1, lane)

    def add(self, part: DayPart) -> None:
        """Add events of the day, in order of receipt."""
        self.digest.add(part.stored)
        self.bytes += sum(map(len, part.stored))
        for event_key, stored in zip(part.event_keys, part.stored, strict=True):
            self._add_time(self._last.add(event_key, stored))

    def add_earlier(self, event_key: bytes, stored: bytes) -> None:
        """Add an event that stayed of an earlier day, before those of the day."""
        self.earlier += 1
        self._add_time(self._last.add(event_key, stored))

    def _add_time(self, at_ns: int) -> None:
        first, last = self._hours.get(at_ns // HOUR_NS, (at_ns, at_ns))
        self._hours[at_ns // HOUR_NS] = min(first, at_ns), max(last, at_ns)

    def staying(self) -> frozenset[bytes]:
        """The event keys of the events that stay."""
        return self._last.event_keys()

    def source_spans(self, spans_max: int = SPANS_MAX) -> list[TimeSpan]:
        """Spans that cover the source times of the events; gaps of an hour or more are left out."""
        spans: list[TimeSpan] = []
        for first, last in sorted(self._hours.values()):
            if spans and first - spans[-1][1] < HOUR_NS:
                spans[-1] = spans[-1][0], last
            else:
                spans.append((first, last))
        while len(spans) > spans_max:
            gaps = [later[0] - span[1] for span, later in pairwise(spans)]
            place = gaps.index(min(gaps))
            spans[place : place + 2] = [(spans[place][0], spans[place + 1][1])]
        return spans


def earlier_events(
    archive: Archive, numbers: Sequence[int], before_ns: int
) -> Iterator[tuple[bytes, bytes]]:
    """The events of some series that stayed of the days before a time, with their keys."""
    for number in numbers:
        keys = list(archive.series.event_keys(number, NS_MIN, before_ns - 1))
        for key, stored in zip(keys, archive.events.envelopes(keys), strict=True):
            if stored is not None:
                yield key, stored
