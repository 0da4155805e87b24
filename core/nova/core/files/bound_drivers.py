"""Resolves which driver is bound to a stream at a time.

In source time a binding takes effect at its effectiveTime; earlier events get the stream's first
binding. In canonical time it takes effect when it was stored, or later if it was dated ahead, so
that the binding in effect at a time never changes afterwards; earlier events get the driver that
the registry selects.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from heapq import merge
from typing import NamedTuple, Protocol

import msgspec

from nova.core.effect.history import (
    History,
    HistoryEntry,
    count_in_effect,
    effective_from,
    event_times,
)
from nova.core.ordering import Timebase, time_key, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.range_cursor import RangeCursor, Span
from nova.sdk.drivers.driver import Driver
from nova.sdk.drivers.driver_stream import DriverStream
from nova.sdk.drivers.registry import BINDING_TYPE, DriverRegistry
from nova.sdk.errors import DriverError
from nova.sdk.protocol.messages import Filters
from nova.sdk.timestamps import NS_MIN

LOAD_SLICE_EVENTS = 5_000
AFTER_ALL_TIMES = b"\xff" * 9


class DriverChoice(NamedTuple):
    """The driver of a stream, or None and the reason. Valid for time keys in the half-open range
    from `lower` to `upper`.
    """

    driver: Driver | None
    name: str
    reason: str = ""
    lower: bytes = b""
    upper: bytes = AFTER_ALL_TIMES


class DriverChooser(Protocol):
    """Chooses the driver that writes a stream's events at a time."""

    def choose(self, stream: DriverStream, time_ns: int) -> DriverChoice:
        """The choice at that time, with the range of times for which it is valid."""


class SingleDriver:
    """Chooses one driver for every stream that it accepts."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def choose(self, stream: DriverStream, time_ns: int) -> DriverChoice:
        """The driver, or a reason if it does not accept the stream."""
        name = self._driver.name
        if self._driver.takes(stream, self._driver.capabilities):
            return DriverChoice(self._driver, name)
        return DriverChoice(None, name, f"{name} does not write {stream.lane} {stream.stream_type}")


class _DriverBinding(msgspec.Struct, rename="camel"):
    target_id: str
    target_lane: str
    stream_type: str
    driver_id: str
    driver_version: str
    schema_version: str | None = None


_binding = msgspec.json.Decoder(_DriverBinding)
_Key = tuple[str, str, str, str | None]


class BoundDrivers:
    """Chooses drivers by the bindings recorded in an archive, as of any time."""

    def __init__(
        self, snapshot: ArchiveSnapshot, registry: DriverRegistry, timebase: Timebase
    ) -> None:
        self._snapshot = snapshot
        self._registry = registry
        self._timebase = timebase
        self._loaded_ns = NS_MIN
        self._event_filter = EventFilter(
            Filters(lanes=["metadata"], message_types=[BINDING_TYPE]), snapshot.series
        )
        self._histories: defaultdict[_Key, History[str]] = defaultdict(History)
        self.envelopes: list[tuple[str, bytes]] = []
        """Target id and stored envelope of every binding."""

    def load(self, watermark: int) -> set[str]:
        """Read new bindings up to a watermark; returns the ids of their targets."""
        first = len(self.envelopes)
        if watermark > self._loaded_ns:
            # The first load merges series indexes: an archive has few bindings, though spread over
            # as many series as targets. Later loads read little either way.
            merges = True if self._loaded_ns == NS_MIN else None
            span = Span("canonical", self._loaded_ns + 1, watermark)
            range_cursor = RangeCursor(self._snapshot, self._event_filter, span, merge=merges)
            while not range_cursor.done:
                for key, stored in range_cursor.read_slice(LOAD_SLICE_EVENTS):
                    self._add(time_of(key), stored)
            self._loaded_ns = watermark
        return {target_id for target_id, _ in self.envelopes[first:]}

    def _add(self, canonical_ns: int, stored: bytes) -> None:
        one = _binding.decode(stored)
        key = (one.target_id, one.target_lane, one.stream_type, one.schema_version)
        driver = f"{one.driver_id}@{one.driver_version}"
        self._histories[key].add(event_times(canonical_ns, stored), driver)
        self.envelopes.append((one.target_id, stored))

    def choose(self, stream: DriverStream, time_ns: int) -> DriverChoice:
        """The driver that is bound at a time, else the one that the registry selects."""
        bound = self._history_of(stream)
        after = count_in_effect(bound, time_ns)
        lower = time_key(effective_from(bound[after - 1])) if after else b""
        upper = time_key(effective_from(bound[after])) if after < len(bound) else AFTER_ALL_TIMES
        name = ""
        try:
            if after or (bound and self._timebase == "source"):
                name = bound[max(after - 1, 0)].value
                driver = self._registry.get(*name.split("@", 1))
            else:
                driver = self._registry.select(stream)
            return DriverChoice(driver, driver.name, "", lower, upper)
        except DriverError as error:
            return DriverChoice(None, name, str(error), lower, upper)

    def _history_of(self, stream: DriverStream) -> Sequence[HistoryEntry[str]]:
        head = (stream.target_id, stream.lane, stream.stream_type)
        general = self._history_entries((*head, None))
        if not stream.schema_version:
            return general
        exact = self._history_entries((*head, stream.schema_version))
        return list(merge(exact, general, key=lambda entry: entry.order))

    def _history_entries(self, key: _Key) -> Sequence[HistoryEntry[str]]:
        history = self._histories.get(key)
        return () if history is None else history.entries(self._timebase)
