"""Which driver is bound to a stream at a time (A-202, A-208, AMB-37, AMB-39).

In source time a binding takes effect at its effectiveTime, and an event before all of them gets the
stream's earliest. In canonical time it takes effect when it was stored, later if it was dated
ahead, so what is bound at a time never changes afterwards; an event before all of them gets what
the registry selects.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from typing import NamedTuple, Protocol

import msgspec

from core.ordering import Timebase, time_key, time_of
from core.reader.reading import Reading, Span
from core.reader.selection import Selection
from core.reader.view import View
from sdk import timestamps
from sdk.drivers.driver import Driver
from sdk.drivers.registry import BINDING_TYPE, Registry
from sdk.drivers.stream import Stream
from sdk.errors import DriverError
from sdk.protocol import Filters
from sdk.timestamps import NS_MIN

LOADED_TOGETHER_EVENTS = 5_000
BEHIND_ALL_TIMES = b"\xff" * 9


class Choice(NamedTuple):
    """The driver of a stream, None with the reason why there is none; it holds for times whose keys
    are from `lower` up to `upper`, which is left out.
    """

    driver: Driver | None
    name: str
    reason: str = ""
    lower: bytes = b""
    upper: bytes = BEHIND_ALL_TIMES


class Chooser(Protocol):
    """Says which driver writes the event of a stream at a time."""

    def choose(self, stream: Stream, time_ns: int) -> Choice:
        """The choice for that time, and for how long around it holds."""


class OneDriver:
    """The same driver for everything that it takes."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def choose(self, stream: Stream, time_ns: int) -> Choice:
        """That driver, unless it does not take the stream."""
        name = self._driver.name
        if self._driver.takes(stream, self._driver.capabilities):
            return Choice(self._driver, name)
        return Choice(None, name, f"{name} does not take {stream.lane} {stream.stream_type}")


class _Told(msgspec.Struct, rename="camel"):
    target_id: str
    target_lane: str
    stream_type: str
    driver_id: str
    driver_version: str
    source_truth_time: str
    effective_time: str
    schema_version: str | None = None


class _Bound(NamedTuple):
    effective_ns: int
    order: bytes
    driver: str


_told = msgspec.json.Decoder(_Told)
_Key = tuple[str, str, str, str | None]


class Bound:
    """The drivers that the bindings of an archive name, as of any time."""

    def __init__(self, view: View, registry: Registry, timebase: Timebase) -> None:
        self._view = view
        self._registry = registry
        self._timebase = timebase
        self._loaded_ns = NS_MIN
        self._selection = Selection(
            Filters(lanes=["metadata"], message_types=[BINDING_TYPE]), view.series
        )
        self._bound: defaultdict[_Key, list[_Bound]] = defaultdict(list)
        self.envelopes: list[tuple[str, bytes]] = []
        """Every binding by its target, as it is stored."""

    def load(self, mark: int) -> bool:
        """Read the bindings up to a mark that were not read before; whether there were any."""
        found = 0
        if mark > self._loaded_ns:
            # Of a whole archive bindings are a few rows, though in as many series as there are
            # targets; what was added since is little anyway.
            merges = True if self._loaded_ns == NS_MIN else None
            span = Span("canonical", self._loaded_ns + 1, mark)
            reading = Reading(self._view, self._selection, span, merges=merges)
            while not reading.done:
                rows = reading.slice(LOADED_TOGETHER_EVENTS)
                found += len(rows)
                for place, stored in rows:
                    self._add(time_of(place), stored)
            self._loaded_ns = mark
        return found > 0

    def _add(self, canonical_ns: int, stored: bytes) -> None:
        told = _told.decode(stored)
        effective = timestamps.parse(told.effective_time)
        order_ns = source_ns = timestamps.parse(told.source_truth_time)
        if self._timebase == "canonical":
            order_ns = canonical_ns
            effective = canonical_ns + max(0, effective - source_ns)
        key = (told.target_id, told.target_lane, told.stream_type, told.schema_version)
        # The stored envelope begins with its eventId, so it decides a tie as the order does.
        order = time_key(order_ns) + stored
        insort(
            self._bound[key], _Bound(effective, order, f"{told.driver_id}@{told.driver_version}")
        )
        self.envelopes.append((told.target_id, stored))

    def choose(self, stream: Stream, time_ns: int) -> Choice:
        """The driver in effect."""
        bound = self._of(stream)
        after = bisect_right(bound, time_ns, key=lambda one: one.effective_ns)
        lower = time_key(bound[after - 1].effective_ns) if after else b""
        upper = time_key(bound[after].effective_ns) if after < len(bound) else BEHIND_ALL_TIMES
        name = ""
        try:
            if after or (bound and self._timebase == "source"):
                name = bound[max(after - 1, 0)].driver
                driver = self._registry.get(*name.split("@", 1))
            else:
                driver = self._registry.select(stream)
            return Choice(driver, driver.name, "", lower, upper)
        except DriverError as error:
            return Choice(None, name, str(error), lower, upper)

    def _of(self, stream: Stream) -> list[_Bound]:
        head = (stream.target_id, stream.lane, stream.stream_type)
        exact = self._bound.get((*head, stream.schema_version), [])
        general = self._bound.get((*head, None), [])
        return sorted([*exact, *general]) if stream.schema_version else general
