"""File router: distributes ordered events to the files of drivers, for daily files and exports
alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from operator import itemgetter
from zlib import crc32

import msgspec

from nova.core.files.bound_drivers import DriverChoice, DriverChooser
from nova.core.files.file_folder import FileFolder
from nova.core.files.file_quota import FileQuota
from nova.core.files.file_sink import FileSink, FileSinkState
from nova.core.files.initial_states import InitialStates
from nova.core.ordering import EVENT_KEY_BYTES, TIME_BYTES, time_of
from nova.core.query.range_cursor import Hit
from nova.sdk.drivers.driver_stream import DriverStream, StreamCache, StreamMarker, marker_of
from nova.sdk.drivers.registry import DriverRegistry
from nova.sdk.errors import DriverError
from nova.sdk.process_heartbeat import busy_with

BUFFERED_MAX_BYTES = 24 * 1024 * 1024
FILES_PER_TURN = 64
"""Files that are written after one look at the free space, while other processes that leave the
reserve wait.
"""

ROUTES_MAX = 16
"""Cached driver choices per stream; late events alternate between them."""


class UnwrittenEvents(msgspec.Struct, kw_only=True, rename="camel"):
    """Events of a stream, or of a file, that were not written, and the reason."""

    target_id: str = ""
    lane: str = ""
    stream_type: str = ""
    schema_version: str = ""
    path: str = ""
    driver: str = ""
    reason: str
    events: int


@dataclass(slots=True)
class _BufferRoute:
    """The buffer for a stream's events with keys in the half-open range `lower` to `upper`."""

    lower: bytes
    upper: bytes
    events: list[bytes]


EMPTY_ROUTE = _BufferRoute(b"\xff" * 9, b"", [])

CachedRoute = tuple[bytes, bytes, bytes, int, Callable[[bytes], None]]
"""Cached route of a series: lower and upper key (half-open), the text that identifies the stream
in an envelope and its offset, and the `append` of the route's buffer.
"""

NO_CACHED_ROUTE: CachedRoute = (b"\xff" * 9, b"", b"", 0, EMPTY_ROUTE.events.append)


@dataclass(slots=True)
class _StreamRoutes:
    """A stream with its most recently used route and other cached ones."""

    stream: DriverStream
    mark: StreamMarker
    current: _BufferRoute = field(default_factory=lambda: EMPTY_ROUTE)
    routes: list[_BufferRoute] = field(default_factory=list)


@dataclass(slots=True)
class _UnroutedEvents:
    """Events of a stream that no driver writes: those not counted yet, and the count so far."""

    stream: DriverStream
    choice: DriverChoice
    reason: str
    events: list[bytes] = field(default_factory=list)
    count: int = 0


class FileRouter:
    """Distributes events to the file sinks of one folder.

    With several shares, each router writes the files whose path hashes to its share; all shares
    together write the same files as one router would.
    """

    def __init__(
        self,
        folder: FileFolder,
        chooser: DriverChooser,
        initial_states: InitialStates,
        quota: FileQuota,
        *,
        share: int = 0,
        shares: int = 1,
    ) -> None:
        self._folder = folder
        self._chooser = chooser
        self._initial_states = initial_states
        self._quota = quota
        self._share = share
        self._shares = shares
        self._streams = StreamCache()
        self._stream_routes: dict[DriverStream, _StreamRoutes] = {}
        self._cached_routes: dict[bytes, CachedRoute] = {}
        """Last route per series, in canonical time only: source keys do not contain the series."""

        self._sinks: dict[str, FileSink] = {}
        self._unrouted: dict[tuple[DriverStream, str], _UnroutedEvents] = {}
        self._other_shares: list[bytes] = []
        """Discards events that other shares write."""

        self._buffered = 0
        self._lanes: Counter[str] = Counter()
        self._stream_of: dict[bytes, DriverStream] = {}
        """By series one of its streams, which differ in schemaVersion only."""

        self._counts: Counter[bytes] = Counter()
        """Events per series, in canonical time; in source time events are counted per lane."""

        self.targets: set[str] = set()

    def restore(
        self, states: Sequence[FileSinkState], registry: DriverRegistry, *, is_closing: bool = False
    ) -> bool:
        """Reopen files with their saved state; False if a file is shorter than recorded or its
        driver is not installed.
        """
        is_whole = True
        for state in states:
            try:
                driver = registry.get(*state.driver.split("@", 1))
            except DriverError:
                is_whole = False
                continue
            sink = FileSink(self._folder, driver, tuple(state.parts), state)
            self._sinks[state.parts[0]] = sink
            if not driver.per_scope:
                self._quota.restore(state.parts)
            is_whole &= sink.resume(is_closing=is_closing)
        return is_whole

    def reset_drivers(self, targets: Collection[str]) -> None:
        """Drop the cached driver choices of targets, as new bindings of theirs were loaded."""
        self._stream_routes = {
            stream: routes
            for stream, routes in self._stream_routes.items()
            if stream.target_id not in targets
        }
        for tail, stream in self._stream_of.items():
            if stream.target_id in targets:
                self._cached_routes.pop(tail, None)

    def route(self, hits: Sequence[Hit]) -> None:
        """Buffer events, in order; they are written at BUFFERED_MAX_BYTES or by `flush`."""
        tails = [key[TIME_BYTES:] for key, _ in hits]
        # Hot loop, run for every event of every file: one dictionary lookup per event.
        ways = map(self._cached_routes.get, tails, repeat(NO_CACHED_ROUTE))
        for (lower, upper, text, at, append), (key, stored) in zip(ways, hits, strict=True):
            if lower <= key < upper and stored.startswith(text, at):
                append(stored)
            else:
                self._route_event(key, stored).append(stored)
        if self._names_series(hits):
            self._counts.update(tails)
        self._buffered += sum(map(len, map(itemgetter(1), hits)))
        if self._buffered >= BUFFERED_MAX_BYTES:
            self.flush()

    @staticmethod
    def _names_series(hits: Sequence[Hit]) -> bool:
        """Whether keys end with the series number, as they do in canonical time."""
        return bool(hits) and len(hits[0][0]) == EVENT_KEY_BYTES

    def _route_event(self, key: bytes, stored: bytes) -> list[bytes]:
        """The buffer of an event's route; the route is cached for its series."""
        entry = self._routes_of(stored)
        route = entry.current
        if not route.lower <= key < route.upper:
            route = entry.current = self._route_at(entry, key)
        if len(key) == EVENT_KEY_BYTES:
            mark, tail = entry.mark, key[TIME_BYTES:]
            self._cached_routes[tail] = (
                route.lower,
                route.upper,
                mark.text,
                mark.offset,
                route.events.append,
            )
            self._stream_of[tail] = entry.stream
        else:
            self._lanes[entry.stream.lane] += 1
        return route.events

    @property
    def lanes(self) -> dict[str, int]:
        """Events per lane so far."""
        lanes = self._lanes.copy()
        for tail, count in self._counts.items():
            lanes[self._stream_of[tail].lane] += count
        return dict(lanes)

    def _routes_of(self, stored: bytes) -> _StreamRoutes:
        """The cached entry of an event's stream, found by the envelope's text."""
        stream = self._streams.of(stored)
        entry = self._stream_routes.get(stream)
        if entry is None:
            entry = self._stream_routes[stream] = _StreamRoutes(stream, marker_of(stored, stream))
            self.targets.add(stream.target_id)
        return entry

    def _route_at(self, entry: _StreamRoutes, key: bytes) -> _BufferRoute:
        for route in entry.routes:
            if route.lower <= key < route.upper:
                return route
        choice = self._chooser.choose(entry.stream, time_of(key))
        route = _BufferRoute(choice.lower, choice.upper, self._buffer_for(entry.stream, choice))
        entry.routes = [*entry.routes[1 - ROUTES_MAX :], route]
        return route

    def _buffer_for(self, stream: DriverStream, choice: DriverChoice) -> list[bytes]:
        """The buffer for a stream's events under a driver choice; events without a driver are
        counted as lost, with the reason.
        """
        reason = choice.reason
        if choice.driver is not None:
            try:
                driver, paths = self._quota.place(choice.driver, stream)
                if not self._is_mine(paths[0]):
                    return self._other_shares
                sink = self._sinks.get(paths[0])
                if sink is None:
                    sink = self._sinks[paths[0]] = FileSink(self._folder, driver, paths)
                if sink.driver.name == driver.name:
                    return sink.events
                reason = f"{choice.name} cannot write {paths[0]}: {sink.driver.name} already does"
            except DriverError as error:
                reason = str(error)
        if not self._is_mine(str(stream)):
            return self._other_shares
        lost = self._unrouted.setdefault((stream, reason), _UnroutedEvents(stream, choice, reason))
        return lost.events

    def _is_mine(self, name: str) -> bool:
        return self._shares == 1 or crc32(name.encode()) % self._shares == self._share

    def flush(self) -> None:
        """Write all buffered events; raises OSError, and FileChangedError if another process
        changed a file.
        """
        written = [sink for sink in self._sinks.values() if sink.events]
        for start in range(0, len(written), FILES_PER_TURN):
            with self._folder.reserve.turn():
                for sink in written[start : start + FILES_PER_TURN]:
                    sink.flush()
        for lost in self._unrouted.values():
            lost.count += len(lost.events)
            lost.events.clear()
        self._other_shares.clear()
        self._buffered = 0

    def require_unchanged(self) -> None:
        """Raise FileChangedError if another process changed a file or moved the folder."""
        self._folder.require_unmoved()
        for sink in self._sinks.values():
            sink.require_unchanged()

    def sync(self) -> None:
        self._folder.sync()

    def seal(self) -> Iterator[FileSink]:
        """Flush, then finish the files of sealed drivers one by one; yields every sink."""
        self.flush()
        for _, sink in sorted(self._sinks.items()):
            with busy_with("finishing a daily file"):
                sink.seal(self._initial_states)
            yield sink

    def remove_unsealed(self) -> None:
        """Remove what files were sealed from; call it after `sync`."""
        for sink in self._sinks.values():
            sink.remove_unsealed()

    def states(self) -> list[FileSinkState]:
        """The states of all files, to be saved; valid after a `flush`."""
        return [sink.state for _, sink in sorted(self._sinks.items())]

    def unwritten(self) -> list[UnwrittenEvents]:
        """The events without a driver, by stream and reason, then those of files whose driver
        failed.
        """
        streams = [
            UnwrittenEvents(
                target_id=lost.stream.target_id,
                lane=lost.stream.lane,
                stream_type=lost.stream.stream_type,
                schema_version=lost.stream.schema_version,
                driver=lost.choice.name,
                reason=lost.reason,
                events=lost.count,
            )
            for lost in self._unrouted.values()
        ]
        streams.sort(key=lambda one: (one.target_id, one.lane, one.stream_type, one.reason))
        return streams + [
            UnwrittenEvents(
                path=path, driver=sink.driver.name, reason=sink.failed, events=sink.lost
            )
            for path, sink in sorted(self._sinks.items())
            if sink.failed
        ]
