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

from core.effect.published import DESCRIPTOR
from core.ordering import order_keys, time_of
from core.store import catalog
from core.store.archive import Archive
from core.store.batch import Batch
from core.store.series import EntityIds, SeriesTable
from core.writer.ingest import Incoming
from core.writer.wishes import Wishes
from sdk import timestamps
from sdk.drivers.registry import BINDING_TYPE, Registry
from sdk.drivers.stream import RAW_STREAM, Stream, mark_of
from sdk.errors import DriverError
from sdk.event import Series, check

LEARNED_TYPES = (DESCRIPTOR, BINDING_TYPE)
UNMARKED = (b"}", 0)
"""Matches no body."""

ENTITY_IDS = 3
BOUND_MAX_ENTITIES = 100_000
NO_DRIVER = ""
"""Stored for a stream that no installed driver takes."""

_VERSION = b'"schemaVersion":'
_BEHIND_VERSION = b',"payload":'

log = logging.getLogger(__name__)


class _Told(msgspec.Struct, rename="camel"):
    """The stream that a received DriverBinding names."""

    target_id: str
    target_lane: str
    stream_type: str
    schema_version: str = ""


_told = msgspec.json.Decoder(_Told)
_versions = msgspec.json.Decoder(str)


def _entity(series: Series | Stream) -> EntityIds:
    return (series.scope_id, series.system_id, series.container_id, series.unique_id)


class Bindings:
    """The driver selected for each stream, and the bindings that the open commit adds."""

    def __init__(self, archive: Archive, table: SeriesTable, registry: Registry) -> None:
        self._archive = archive
        self._registry = registry
        self._bound: dict[EntityIds, set[tuple[Series, bytes]]] = {}
        """By entity, the bound pairs of a series and a schemaVersion (as JSON text)."""

        self._marks: dict[Series, tuple[bytes, int]] = {}
        """By series, a text and its offset in every body of the newest schemaVersion: a body that
        has it there belongs to a bound stream and needs no further check.
        """

        self._selected: dict[bytes, str] = {}
        """Selections that the open commit adds to the catalog, by catalog key."""

        self._wishes = Wishes(archive, table)
        self._now_ns = 0
        """Estimated canonical time of the event being checked; it never decreases."""

    def _forget(self, entity: EntityIds) -> None:
        """Check the streams of an entity again at their next event."""
        for known, _ in self._bound.pop(entity, ()):
            self._marks.pop(known, None)

    def insert(
        self, incoming: Incoming, unknown: Sequence[int], known: set[bytes], now_ns: int
    ) -> list[int]:
        """Append the bindings that these events need to the columns; returns the indexes of events
        and bindings in the order in which they are stored.

        `known` are the order keys of the open commit; the bindings' are added to it. `now_ns` is
        the estimated canonical time of the first event.
        """
        self._now_ns = max(now_ns, self._now_ns)
        for entity in self._wishes.arrived(self._now_ns):
            self._forget(entity)
        marks = [self._marks.get(names, UNMARKED) for names in incoming.names]
        texts = [text for text, _ in marks]
        places = [place for _, place in marks]
        series, bodies = incoming.series, incoming.bodies
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
                order += self._look(incoming, number, known)
            order.append(number)
        return order

    def _look(self, incoming: Incoming, number: int, known: set[bytes]) -> Iterator[int]:
        """Process an event that may be its stream's first; yields the indexes of new bindings."""
        series, body = incoming.names[incoming.series[number]], incoming.bodies[number]
        version = _version(body) if series.lane == "parsed" else b""
        if len(self._bound) >= BOUND_MAX_ENTITIES:
            self._bound.clear()  # The catalog holds them all.
            self._marks.clear()
        bound = self._bound.setdefault(_entity(series), set())
        if (series, version) not in bound:
            bound.add((series, version))
            yield from self._bind(incoming, number, series, known)
        if series.lane == "metadata" and series.message_type in LEARNED_TYPES:
            self._learn(series, body + b"}")
        else:
            mark = mark_of(body, _stream(series, body))
            self._marks[series] = (mark.text, mark.at)

    def _learn(self, series: Series, envelope: bytes) -> None:
        """Apply a descriptor or binding that affects the selection."""
        if series.message_type == DESCRIPTOR:
            self._now_ns += 1
            if self._wishes.learn(_entity(series), envelope, self._now_ns):
                self._forget(_entity(series))
        elif series.message_type == BINDING_TYPE:
            bound = _told.decode(envelope)
            scope_id, *ids = bound.target_id.split("|")
            if len(ids) == ENTITY_IDS:
                kind = (bound.target_lane, bound.stream_type, bound.schema_version)
                stream = Stream(scope_id, ids[0], ids[1], ids[2], *kind)
                self._selected.setdefault(catalog.binding_key(stream), self._select(stream))

    def _bind(
        self, incoming: Incoming, number: int, series: Series, known: set[bytes]
    ) -> Iterator[int]:
        """Append the binding that an event needs, if any; yields its index."""
        if series.message_type == BINDING_TYPE and series.lane == "metadata":
            return
        stream = _stream(series, incoming.bodies[number])
        key = catalog.binding_key(stream)
        selected = self._select(stream)
        if selected == self._remembered(key):
            return
        self._selected[key] = selected
        if selected == NO_DRIVER:
            return
        source_ns = time_of(incoming.keys[number])
        event = check(_envelope(stream, selected, timestamps.text(source_ns)))
        source_key = order_keys([event.source_ns], [event.lane], [event.event_id])[0]
        if source_key in known or self._archive.get("source", source_key) is not None:
            return
        known.add(source_key)
        if event.series not in incoming.names:
            incoming.names.append(event.series)
        incoming.keys.append(source_key)
        incoming.series.append(incoming.names.index(event.series))
        incoming.bodies.append(event.body[:-1])
        yield len(incoming.keys) - 1

    def _remembered(self, key: bytes) -> str | None:
        known = self._selected.get(key)
        if known is None:
            stored = self._archive.get("catalog", key)
            known = None if stored is None else stored.decode()
        return known

    def _select(self, stream: Stream) -> str:
        """`id@version` of the driver for a stream, or NO_DRIVER."""
        try:
            return self._registry.select(
                stream, self._wishes.of(_entity(stream), self._now_ns)
            ).name
        except DriverError as error:
            log.warning("no driver for a stream", extra={"context": {"reason": str(error)}})
            return NO_DRIVER

    def write(self, batch: Batch) -> None:
        """Add the new selections to the batch of the commit."""
        for key, name in self._selected.items():
            batch.put("catalog", key, name.encode())
        self._selected.clear()


def _version(body: bytes) -> bytes:
    """The schemaVersion of a parsed event as JSON text, with quotes."""
    start = body.find(_VERSION) + len(_VERSION)
    return body[start : body.find(_BEHIND_VERSION, start)]


def _stream(series: Series, body: bytes) -> Stream:
    version = _versions.decode(_version(body)) if series.lane == "parsed" else ""
    kind = RAW_STREAM if series.lane == "raw" else series.message_type
    return Stream(*_entity(series), series.lane, kind, version)


def _envelope(stream: Stream, selected: str, time: str) -> bytes:
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
