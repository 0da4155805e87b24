"""Driver bindings: records which driver writes a stream's files as DriverBinding events.

The writer adds a DriverBinding 1 ns before a stream's first event, in the same commit, and again
before the first event after the selected driver has changed. That commit also stores the selection
in the catalog. A binding that a transport delivers counts as the stream's: the writer adds none
until its own selection changes.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence

import msgspec

from nova.core.effect.published import DESCRIPTOR_TYPE
from nova.core.ordering import order_keys, time_of
from nova.core.store import catalog
from nova.core.store.archive import Archive
from nova.core.store.series_table import EntityIds
from nova.core.writer.additions import NOTHING, Additions
from nova.core.writer.capabilities import EntityCapabilities
from nova.core.writer.columns import BatchColumns
from nova.core.writer.commit import Commit
from nova.core.writer.new_events import NewEvents, Selection, chosen
from nova.core.writer.writer_state import WriterState
from nova.sdk import timestamps
from nova.sdk.drivers.driver_stream import RAW_STREAM, DriverStream
from nova.sdk.drivers.registry import BINDING_TYPE, DriverRegistry
from nova.sdk.errors import DriverError
from nova.sdk.events.event import Event, Series, check
from nova.sdk.native import native_part

SELECTION_TYPES = (DESCRIPTOR_TYPE, BINDING_TYPE)
ENTITY_IDS = 3
BOUND_MAX_ENTITIES = 100_000
SEEN_MAX = 20_000
NO_DRIVER = ""
"""Stored for a stream that no installed driver takes."""

log = logging.getLogger(__name__)


class _BindingFields(msgspec.Struct, rename="camel"):
    """The stream that a received DriverBinding names."""

    target_id: str
    target_lane: str
    stream_type: str
    schema_version: str = ""


_binding_decoder = msgspec.json.Decoder(_BindingFields)


def _entity(series: Series | DriverStream) -> EntityIds:
    return (series.scope_id, series.system_id, series.container_id, series.unique_id)


class _AddedBindings:
    """The bindings that are added to one batch, and what they select."""

    def __init__(self, columns: BatchColumns, commit: Commit) -> None:
        self.events: dict[bytes, Event] = {}
        """By order key."""

        self.selections: list[Selection] = []
        self._selected: dict[bytes, str] = {}
        self._columns = columns
        self._commit = commit

    def selection(self, key: bytes) -> str | None:
        """What this batch or the open commit selects for a stream."""
        return self._selected.get(key, self._commit.selections.get(key))

    def select(self, number: int, key: bytes, driver: str) -> None:
        """Select a driver in the commit of the event of this number."""
        self.selections.append(Selection(number, key, driver))
        self._selected[key] = driver

    def has_key(self, source_key: bytes) -> bool:
        return source_key in self.events or source_key in self._commit.keys

    def append(self, event: Event, source_key: bytes) -> int:
        """Returns the event's index in `columns`."""
        self.events[source_key] = event
        return len(self._columns.keys) + len(self.events) - 1

    def columns(self) -> BatchColumns:
        """The batch's columns with the bindings behind its events."""
        if not self.events:
            return self._columns
        known, events = self._columns, self.events.values()
        names = list(known.names)
        series = {one: n for n, one in enumerate(names) if one.message_type == BINDING_TYPE}
        for event in events:
            if event.series not in series:
                series[event.series] = len(names)
                names.append(event.series)
        return BatchColumns(
            _extended(known.keys, list(self.events)),
            _extended_numbers(known.series, [series[event.series] for event in events]),
            _extended(known.bodies, [event.body[:-1] for event in events]),
            names,
            [*known.versions, *[""] * (len(names) - len(known.versions))],
            [*known.sparse, *range(len(known.keys), len(known.keys) + len(events))],
            known.requests,
            known.refusals,
        )


class DriverBindings:
    """The driver selected for each stream; appends the bindings that the events of a batch need."""

    def __init__(self, archive: Archive, state: WriterState, registry: DriverRegistry) -> None:
        self._archive = archive
        self._clock = state.clock
        self._registry = registry
        self._bound: set[tuple[Series, str]] = set()
        """The bound pairs of a series and a schemaVersion."""

        self._bound_of: dict[EntityIds, set[tuple[Series, str]]] = {}
        """The same by entity."""

        self._seen: dict[tuple[int, int], tuple[Series, str]] = {}
        """Bound pairs whose events select nothing, by the identity of their objects: batches have
        hundreds, whose names take long to hash.
        """

        self._capabilities = EntityCapabilities(archive, state.series)
        self._now_ns = 0
        """Estimated canonical time of the event being checked; it never decreases."""

    def _recheck(self, entity: EntityIds) -> None:
        """Check the streams of an entity again at their next event."""
        self._bound -= self._bound_of.pop(entity, set())
        self._seen.clear()

    def __call__(self, events: NewEvents, commit: Commit) -> tuple[NewEvents, Additions]:
        """Each binding is before the event that needs it."""
        self._now_ns = max(self._clock.estimate_ns(), self._now_ns)
        for entity in self._capabilities.newly_effective(self._now_ns):
            self._recheck(entity)
        unchecked = self._unchecked(events.columns)
        if not unchecked:
            return events, NOTHING
        added = _AddedBindings(events.columns, commit)
        numbers, order, start = events.numbers, list[int](), 0
        for place in _places(events, unchecked):
            order += numbers[start:place]
            order += self._check_event(events.columns, numbers[place], added)
            start = place
        order += numbers[start:]
        after = NewEvents(
            added.columns(), order if added.events else numbers, events.received, added.selections
        )
        return after, Additions(keys=added.events)

    def _unchecked(self, columns: BatchColumns) -> set[int]:
        """The indexes of names whose events may be the first of a stream, or may select drivers."""
        seen, unchecked = self._seen, set[int]()
        keys = zip(map(id, columns.names), map(id, columns.versions), strict=True)
        for index, key in [(index, key) for index, key in enumerate(keys) if key not in seen]:
            pair = columns.names[index], columns.versions[index]
            if pair not in self._bound or _selects(pair[0]):
                unchecked.add(index)
                continue
            if len(seen) >= SEEN_MAX:
                seen.clear()
            seen[key] = pair
        return unchecked

    def _check_event(
        self, columns: BatchColumns, number: int, added: _AddedBindings
    ) -> Iterator[int]:
        """Process an event that may be its stream's first; yields the indexes of new bindings."""
        index = columns.series[number]
        series, version = pair = columns.names[index], columns.versions[index]
        if pair not in self._bound:
            if len(self._bound_of) >= BOUND_MAX_ENTITIES:
                self._bound_of.clear()  # The catalog holds them all.
                self._bound.clear()
                self._seen.clear()
            self._bound_of.setdefault(_entity(series), set()).add(pair)
            self._bound.add(pair)
            yield from self._bind(_stream(series, version), number, columns, added)
        if _selects(series):
            self._apply_metadata(series, number, columns.bodies[number] + b"}", added)

    def _apply_metadata(
        self, series: Series, number: int, envelope: bytes, added: _AddedBindings
    ) -> None:
        """Apply a descriptor or binding that affects the selection."""
        if series.message_type == DESCRIPTOR_TYPE:
            self._now_ns += 1
            if self._capabilities.add_descriptor(_entity(series), envelope, self._now_ns):
                self._recheck(_entity(series))
        elif series.message_type == BINDING_TYPE:
            bound = _binding_decoder.decode(envelope)
            scope_id, *ids = bound.target_id.split("|")
            if len(ids) == ENTITY_IDS:
                kind = (bound.target_lane, bound.stream_type, bound.schema_version)
                stream = DriverStream(scope_id, ids[0], ids[1], ids[2], *kind)
                key, selected = catalog.binding_key(stream), self._select(stream)
                if added.selection(key) is None:
                    added.select(number, key, selected)

    def _bind(
        self, stream: DriverStream, number: int, columns: BatchColumns, added: _AddedBindings
    ) -> Iterator[int]:
        """Append the binding that an event needs, if any; yields its index."""
        if stream.stream_type == BINDING_TYPE and stream.lane == "metadata":
            return
        key = catalog.binding_key(stream)
        selected, known = self._select(stream), added.selection(key)
        if selected == (self._archive.record.binding(key) if known is None else known):
            return
        place = number
        if selected != NO_DRIVER:
            source_ns = time_of(columns.keys[number])
            event = check(_envelope(stream, selected, timestamps.text(source_ns)))
            source_key = order_keys([event.source_ns], [event.lane], [event.event_id])[0]
            if not added.has_key(source_key) and not self._archive.events.event_key(source_key):
                place = added.append(event, source_key)
        # With its binding: a crash between their commits would leave the stream without one.
        added.select(place, key, selected)
        if place != number:
            yield place

    def _select(self, stream: DriverStream) -> str:
        """`id@version` of the driver for a stream, or NO_DRIVER."""
        try:
            return self._registry.select(
                stream, self._capabilities.capabilities_of(_entity(stream), self._now_ns)
            ).name
        except DriverError as error:
            context = {"scopeId": stream.scope_id, "reason": str(error)}
            log.warning("no driver for a stream", extra={"context": context})
            return NO_DRIVER


def _extended(column: Sequence[bytes], more: Sequence[bytes]) -> Sequence[bytes]:
    """A column with more items behind it."""
    if (native := native_part()) and isinstance(column, native.BytesColumn):
        return column.merged(range(len(column), len(column) + len(more)), more)
    return [*column, *more]


def _extended_numbers(column: Sequence[int], more: Sequence[int]) -> Sequence[int]:
    if (native := native_part()) and isinstance(column, native.NumberColumn):
        return column.merged(range(len(column), len(column) + len(more)), more)
    return [*column, *more]


def _places(events: NewEvents, series: Collection[int]) -> Sequence[int]:
    """The places in `numbers` of the events of these series."""
    column, numbers = events.columns.series, events.numbers
    if (native := native_part()) and isinstance(column, native.NumberColumn):
        return column.places_of(list(series), None if isinstance(numbers, range) else numbers)
    return [place for place, index in enumerate(chosen(column, numbers)) if index in series]


def _selects(series: Series) -> bool:
    """Whether the events of a series are descriptors or bindings, which select drivers."""
    return series.lane == "metadata" and series.message_type in SELECTION_TYPES


def _stream(series: Series, version: str) -> DriverStream:
    kind = RAW_STREAM if series.lane == "raw" else series.message_type
    return DriverStream(*_entity(series), series.lane, kind, version)


def _envelope(stream: DriverStream, selected: str, time: str) -> bytes:
    driver_id, _, driver_version = selected.partition("@")
    envelope: dict[str, object] = {
        "scopeId": stream.scope_id,
        "lane": "metadata",
        "systemId": stream.system_id,
        "containerId": stream.container_id,
        "uniqueId": stream.unique_id,
        "sourceTruthTime": time,
        "messageType": BINDING_TYPE,
        "targetId": stream.target_id,
        "targetLane": stream.lane,
        "streamType": stream.stream_type,
        "driverId": driver_id,
        "driverVersion": driver_version,
        "effectiveTime": time,
    }
    if stream.schema_version:
        envelope["schemaVersion"] = stream.schema_version
    return msgspec.json.encode(envelope)
