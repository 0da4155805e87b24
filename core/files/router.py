"""The one way from events in order to files by drivers, for daily files as for exports (A-211)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from operator import itemgetter
from zlib import crc32

import msgspec

from core.files.bindings import Choice, Chooser
from core.files.folder import Folder
from core.files.layout import paths_of
from core.files.openings import Openings
from core.files.sink import FileState, Sink
from core.ordering import PLACE_BYTES, TIME_BYTES, time_of
from core.reader.reading import Found
from sdk.drivers.registry import Registry
from sdk.drivers.stream import Mark, Stream, Streams, mark_of
from sdk.errors import DriverError

BUFFERED_MAX_BYTES = 24 * 1024 * 1024
ROUTES_MAX = 16
"""A stream's choices of driver that are remembered: late events go back and forth between them."""


class Failure(msgspec.Struct, kw_only=True, rename="camel"):
    """Events that are not in the files, and why."""

    target_id: str
    lane: str
    stream_type: str
    schema_version: str = ""
    driver: str = ""
    reason: str
    events: int


@dataclass(slots=True)
class _Route:
    """Where a stream's events go at times from `lower` up to `upper`, which is left out."""

    lower: bytes
    upper: bytes
    events: list[bytes]


NOWHERE = _Route(b"\xff" * 9, b"", [])

Way = tuple[bytes, bytes, bytes, int, Callable[[bytes], None]]
"""Events with keys from the first up to the second, which is left out, and with this text there
are added by that.
"""

NO_WAY: Way = (b"\xff" * 9, b"", b"", 0, NOWHERE.events.append)


@dataclass(slots=True)
class _Told:
    """A stream, the route that was used last, and others."""

    stream: Stream
    mark: Mark
    route: _Route = field(default_factory=lambda: NOWHERE)
    routes: list[_Route] = field(default_factory=list)


@dataclass(slots=True)
class _Lost:
    """Events of a stream that no driver takes: those not counted yet, and how many were."""

    stream: Stream
    choice: Choice
    reason: str
    events: list[bytes] = field(default_factory=list)
    count: int = 0


class Router:
    """Hands events to the sinks of one folder; with several shares, each writes files of its own.

    Which share a file is of depends on its path alone, so shares together write what one would.
    """

    def __init__(
        self,
        folder: Folder,
        chooser: Chooser,
        openings: Openings,
        *,
        share: int = 0,
        shares: int = 1,
    ) -> None:
        self._folder = folder
        self._chooser = chooser
        self._openings = openings
        self._share = share
        self._shares = shares
        self._streams = Streams()
        self._told: dict[Stream, _Told] = {}
        self._ways: dict[bytes, Way] = {}
        """Where the last event of a series went; in source time a key does not name the series."""

        self._sinks: dict[str, Sink] = {}
        self._lost: dict[tuple[Stream, str], _Lost] = {}
        self._elsewhere: list[bytes] = []
        """What other shares write."""

        self._buffered = 0
        self._lanes: Counter[str] = Counter()
        self._lane_of: dict[bytes, str] = {}
        self._counts: Counter[bytes] = Counter()
        """Events by series; in source time they are counted by lane at once."""

        self.targets: set[str] = set()

    def restore(
        self, states: Sequence[FileState], registry: Registry, *, is_closing: bool = False
    ) -> bool:
        """Go on with files; False if one of them has lost what it is known to have had, or its
        driver is gone.
        """
        is_whole = True
        for state in states:
            try:
                driver = registry.get(*state.driver.split("@", 1))
            except DriverError:
                is_whole = False
                continue
            sink = Sink(self._folder, driver, tuple(state.parts), state)
            self._sinks[state.parts[0]] = sink
            is_whole &= sink.resume(is_closing=is_closing)
        return is_whole

    def reconsider(self) -> None:
        """Ask anew for every stream's driver, for there are new bindings."""
        self._told.clear()
        self._ways.clear()

    def take(self, found: Sequence[Found]) -> None:
        """Take events in order; they are written when there are many, or at `flush`."""
        tails = [key[TIME_BYTES:] for key, _ in found]
        # One dictionary's look a neighbour: this is the loop that every event of a file goes by.
        ways = map(self._ways.get, tails, repeat(NO_WAY))
        for (lower, upper, text, at, append), (key, stored) in zip(ways, found, strict=True):
            if lower <= key < upper and stored.startswith(text, at):
                append(stored)
            else:
                self._find(key, stored).append(stored)
        if self._names_series(found):
            self._counts.update(tails)
        self._buffered += sum(map(len, map(itemgetter(1), found)))
        if self._buffered >= BUFFERED_MAX_BYTES:
            self.flush()

    @staticmethod
    def _names_series(found: Sequence[Found]) -> bool:
        """Whether keys end with the series: in canonical time they do."""
        return bool(found) and len(found[0][0]) == PLACE_BYTES

    def _find(self, key: bytes, stored: bytes) -> list[bytes]:
        """Where an event waits to be written; its series goes that way from now on."""
        told = self._look(stored)
        route = told.route
        if not route.lower <= key < route.upper:
            route = told.route = self._route(told, key)
        lane = told.stream.lane
        if len(key) == PLACE_BYTES:
            mark, tail = told.mark, key[TIME_BYTES:]
            self._ways[tail] = (route.lower, route.upper, mark.text, mark.at, route.events.append)
            self._lane_of[tail] = lane
        else:
            self._lanes[lane] += 1
        return route.events

    @property
    def lanes(self) -> dict[str, int]:
        """How many events of each lane were taken."""
        lanes = self._lanes.copy()
        for tail, count in self._counts.items():
            lanes[self._lane_of[tail]] += count
        return dict(lanes)

    def _look(self, stored: bytes) -> _Told:
        """What is known of an event's stream, found by its text."""
        stream = self._streams.of(stored)
        told = self._told.get(stream)
        if told is None:
            told = self._told[stream] = _Told(stream, mark_of(stored, stream))
            self.targets.add(stream.target_id)
        return told

    def _route(self, told: _Told, key: bytes) -> _Route:
        """The route of a stream at the time of a key."""
        for route in told.routes:
            if route.lower <= key < route.upper:
                return route
        choice = self._chooser.choose(told.stream, time_of(key))
        route = _Route(choice.lower, choice.upper, self._events(told.stream, choice))
        told.routes = [*told.routes[1 - ROUTES_MAX :], route]
        return route

    def _events(self, stream: Stream, choice: Choice) -> list[bytes]:
        """Where the events of a stream wait to be written."""
        reason = choice.reason
        if choice.driver is not None:
            try:
                paths = paths_of(choice.driver, stream)
                if not self._is_mine(paths[0]):
                    return self._elsewhere
                sink = self._sinks.get(paths[0])
                if sink is None:
                    sink = self._sinks[paths[0]] = Sink(self._folder, choice.driver, paths)
                if sink.driver.name == choice.driver.name:
                    return sink.events
                reason = f"{choice.name} writes {paths[0]}, which is {sink.driver.name}'s already"
            except DriverError as error:
                reason = str(error)
        if not self._is_mine(str(stream)):
            return self._elsewhere
        lost = self._lost.setdefault((stream, reason), _Lost(stream, choice, reason))
        return lost.events

    def _is_mine(self, name: str) -> bool:
        return self._shares == 1 or crc32(name.encode()) % self._shares == self._share

    def flush(self) -> None:
        """Write all that was taken; raises OSError where that cannot be, and FileChangedError where
        somebody else touched a file.
        """
        for sink in self._sinks.values():
            sink.flush()
        for lost in self._lost.values():
            lost.count += len(lost.events)
            lost.events.clear()
        self._elsewhere.clear()
        self._buffered = 0

    def require(self) -> None:
        """Raise FileChangedError unless all files are as they were left."""
        self._folder.require_place()
        for sink in self._sinks.values():
            sink.require()

    def sync(self) -> None:
        """Make durable what was written."""
        self._folder.sync()

    def seal(self) -> Iterator[Sink]:
        """Make all files complete, one after the other."""
        self.flush()
        for _, sink in sorted(self._sinks.items()):
            sink.seal(self._openings)
            yield sink

    def tidy(self) -> None:
        """Remove what complete files were made of."""
        for sink in self._sinks.values():
            sink.tidy()

    def states(self) -> list[FileState]:
        """The files as they are to be remembered; true after a `flush`."""
        return [sink.state for _, sink in sorted(self._sinks.items())]

    def failures(self) -> list[Failure]:
        """What is not in the files."""
        found = [
            Failure(
                target_id=lost.stream.target_id,
                lane=lost.stream.lane,
                stream_type=lost.stream.stream_type,
                schema_version=lost.stream.schema_version,
                driver=lost.choice.name,
                reason=lost.reason,
                events=lost.count,
            )
            for lost in self._lost.values()
        ]
        return sorted(found, key=lambda one: (one.target_id, one.lane, one.stream_type, one.reason))
