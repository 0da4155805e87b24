"""The events of a day on their way into Parquet: lines in a scratch folder, apart by scope and
type, so that memory does not grow with the day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from nova.core.drivers.parquet import Parquet
from nova.sdk.drivers.driver import stem_of
from nova.sdk.drivers.driver_stream import DriverStream, StreamCache
from nova.sdk.events.day_seal import OWN_SYSTEM
from nova.sdk.events.digest import EventDigest

READ_EVENTS = 1_000
"""Lines that are handed to the driver at once."""


class SpooledType:
    """The events of one lane and type of a scope."""

    def __init__(self, stream: DriverStream, path: Path) -> None:
        self.events = 0
        self._path = path
        (self.name,) = Parquet().parts(stream)
        """The name of its file in the lake."""

    def add(self, stored: Sequence[bytes]) -> None:
        with self._path.open("ab") as file:
            file.writelines(line for event in stored for line in (event, b"\n"))
        self.events += len(stored)

    def make(self) -> Path:
        """The Parquet file; its bytes depend on nothing but the events."""
        made = self._path.with_suffix(".parquet")
        with made.open("wb") as out:
            Parquet().make(self._blocks(), out)
        self._path.unlink()
        return made

    def _blocks(self) -> Iterator[list[bytes]]:
        with self._path.open("rb") as file:
            while lines := list(islice(file, READ_EVENTS)):
                yield [line.removesuffix(b"\n") for line in lines]


class SpooledScope:
    """A scope's day: its digest in the order of the day, and its events by type."""

    def __init__(self) -> None:
        self.digest = EventDigest()
        self.own_events = 0
        """NOVA's own records."""

        self.types: dict[str, SpooledType] = {}


class DaySpool:
    """The events of one day, which are added in order."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._streams = StreamCache()
        self.scopes: dict[str, SpooledScope] = {}
        self._files = 0

    def add(self, page: Sequence[bytes]) -> None:
        by_scope: dict[str, list[bytes]] = {}
        own: Counter[str] = Counter()
        by_type: dict[tuple[str, str], tuple[DriverStream, list[bytes]]] = {}
        for stored in page:
            stream = self._streams.of(stored)
            by_scope.setdefault(stream.scope_id, []).append(stored)
            if stream.system_id == OWN_SYSTEM:
                own[stream.scope_id] += 1
            key = (stream.scope_id, stem_of(stream))
            by_type.setdefault(key, (stream, []))[1].append(stored)
        for scope_id, events in by_scope.items():
            scope = self.scopes.setdefault(scope_id, SpooledScope())
            scope.digest.add(events)
            scope.own_events += own[scope_id]
        for (scope_id, stem), (stream, events) in by_type.items():
            types = self.scopes[scope_id].types
            if stem not in types:
                types[stem] = SpooledType(stream, self._folder / f"{self._files}.events")
                self._files += 1
            types[stem].add(events)
