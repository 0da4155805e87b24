"""Driver bindings: records which driver writes a stream's files as DriverBinding events.

The writer adds a DriverBinding 1 ns before a stream's first event, in the same commit, and again
before the first event after the selected driver has changed. That commit also stores the selection
in the catalog. A binding that a transport delivers counts as the stream's: the writer adds none
until its own selection changes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import msgspec

from nova.core.effect.published import DESCRIPTOR_TYPE
from nova.core.ordering import order_keys, time_of
from nova.core.store import catalog
from nova.core.store.archive import Archive
from nova.core.store.series_table import EntityIds, SeriesTable
from nova.core.store.write_batch import ArchiveBatch
from nova.core.writer.capabilities import EntityCapabilities
from nova.core.writer.columns import BatchColumns
from nova.sdk import timestamps
from nova.sdk.drivers.driver_stream import RAW_STREAM, DriverStream, marker_of
from nova.sdk.drivers.registry import BINDING_TYPE, DriverRegistry
from nova.sdk.errors import DriverError
from nova.sdk.events.event import Series, check

SELECTION_TYPES = (DESCRIPTOR_TYPE, BINDING_TYPE)
NO_SIGNATURE = (b"}", 0)
"""Matches no body."""

ENTITY_IDS = 3
BOUND_MAX_ENTITIES = 100_000
NO_DRIVER = ""
"""Stored for a stream that no installed driver takes."""

_VERSION = b'"schemaVersion":'
_AFTER_VERSION = b',"payload":'

log = logging.getLogger(__name__)


class _BindingFields(msgspec.Struct, rename="camel"):
    """The stream that a received DriverBinding names."""

    target_id: str
    target_lane: str
    stream_type: str
    schema_version: str = ""


_binding_decoder = msgspec.json.Decoder(_BindingFields)
_text_decoder = msgspec.json.Decoder(str)


def _entity(series: Series | DriverStream) -> EntityIds:
    return (series.scope_id, series.system_id, series.container_id, series.unique_id)


class DriverBindings:
    """The driver selected for each stream, and the bindings that the open commit adds."""

    def __init__(self, archive: Archive, table: SeriesTable, registry: DriverRegistry) -> None:
        self._archive = archive
        self._registry = registry
        self._bound: dict[EntityIds, set[tuple[Series, bytes]]] = {}
        """By entity, the bound pairs of a series and a schemaVersion (as JSON text)."""

        self._signatures: dict[Series, tuple[bytes, int]] = {}
        """By series, a text and its offset in every body of the newest schemaVersion: a body that
        has it there belongs to a bound stream and needs no further check.
        """

        self._selected: dict[bytes, str] = {}
        """Selections that the open commit adds to the catalog, by catalog key."""

        self._capabilities = EntityCapabilities(archive, table)
        self._now_ns = 0
        """Estimated canonical time of the event being checked; it never decreases."""

    def _recheck(self, entity: EntityIds) -> None:
        """Check the streams of an entity again at their next event."""
        for known, _ in self._bound.pop(entity, ()):
            self._signatures.pop(known, None)

    def insert_bindings(
        self, columns: BatchColumns, unknown: Sequence[int], open_keys: set[bytes], now_ns: int
    ) -> list[int]:
        """Append the bindings that these events need to the columns; returns the indexes of events
        and bindings in the order in which they are stored.

        `open_keys` are the order keys of the open commit; the bindings' are added to it. `now_ns`
        is the estimated canonical time of the first event.
        """
        self._now_ns = max(now_ns, self._now_ns)
        for entity in self._capabilities.newly_effective(self._now_ns):
            self._recheck(entity)
        marks = [self._signatures.get(names, NO_SIGNATURE) for names in columns.names]
        texts = [text for text, _ in marks]
        places = [place for _, place in marks]
        series, bodies = columns.series, columns.bodies
        fresh = {
            number
            for number in unknown
            if not bodies[number].startswith(texts[series[number]], places[series[number]])
        }
        if not fresh:
            return list(unknown)
        order: list[int] = []
        for number in unknown:
            if number in fresh:
                order += self._check_event(columns, number, open_keys)
            order.append(number)
        return order

    def _check_event(
        self, columns: BatchColumns, number: int, open_keys: set[bytes]
    ) -> Iterator[int]:
        """Process an event that may be its stream's first; yields the indexes of new bindings."""
        series, body = columns.names[columns.series[number]], columns.bodies[number]
        version = _version(body) if series.lane == "parsed" else b""
        if len(self._bound) >= BOUND_MAX_ENTITIES:
            self._bound.clear()  # The catalog holds them all.
            self._signatures.clear()
        bound = self._bound.setdefault(_entity(series), set())
        if (series, version) not in bound:
            bound.add((series, version))
            yield from self._bind(columns, number, series, open_keys)
        if series.lane == "metadata" and series.message_type in SELECTION_TYPES:
            self._apply_metadata(series, body + b"}")
        else:
            mark = marker_of(body, _stream(series, body))
            self._signatures[series] = (mark.text, mark.offset)

    def _apply_metadata(self, series: Series, envelope: bytes) -> None:
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
                self._selected.setdefault(catalog.binding_key(stream), self._select(stream))

    def _bind(
        self, columns: BatchColumns, number: int, series: Series, open_keys: set[bytes]
    ) -> Iterator[int]:
        """Append the binding that an event needs, if any; yields its index."""
        if series.message_type == BINDING_TYPE and series.lane == "metadata":
            return
        stream = _stream(series, columns.bodies[number])
        key = catalog.binding_key(stream)
        selected = self._select(stream)
        if selected == self._stored_selection(key):
            return
        self._selected[key] = selected
        if selected == NO_DRIVER:
            return
        source_ns = time_of(columns.keys[number])
        event = check(_envelope(stream, selected, timestamps.text(source_ns)))
        source_key = order_keys([event.source_ns], [event.lane], [event.event_id])[0]
        if source_key in open_keys or self._archive.events.event_key(source_key) is not None:
            return
        open_keys.add(source_key)
        if event.series not in columns.names:
            columns.names.append(event.series)
        columns.keys.append(source_key)
        columns.series.append(columns.names.index(event.series))
        columns.bodies.append(event.body[:-1])
        yield len(columns.keys) - 1

    def _stored_selection(self, key: bytes) -> str | None:
        known = self._selected.get(key)
        if known is None:
            known = self._archive.record.binding(key)
        return known

    def _select(self, stream: DriverStream) -> str:
        """`id@version` of the driver for a stream, or NO_DRIVER."""
        try:
            return self._registry.select(
                stream, self._capabilities.capabilities_of(_entity(stream), self._now_ns)
            ).name
        except DriverError as error:
            log.warning("no driver for a stream", extra={"context": {"reason": str(error)}})
            return NO_DRIVER

    def write(self, batch: ArchiveBatch) -> None:
        """Add the new selections to the batch of the commit."""
        for key, name in self._selected.items():
            batch.put_record(key, name.encode())
        self._selected.clear()


def _version(body: bytes) -> bytes:
    """The schemaVersion of a parsed event as JSON text, with quotes."""
    start = body.find(_VERSION) + len(_VERSION)
    return body[start : body.find(_AFTER_VERSION, start)]


def _stream(series: Series, body: bytes) -> DriverStream:
    version = _text_decoder.decode(_version(body)) if series.lane == "parsed" else ""
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
