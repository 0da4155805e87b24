"""DriverBindings: which driver writes a stream's files is truth too (nova.md §10, AMB-39).

The first event of a stream makes a DriverBinding one canonical tick before it, in the same commit;
so does the first one after the selected driver has changed. What was selected for which stream is
remembered in the catalog, in that commit too. A binding that came over a transport counts as the
stream's own: its author has chosen, and the writer says nothing until its own choice changes.
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
"""No body begins so."""

ENTITY_IDS = 3
BOUND_MAX_ENTITIES = 100_000
NO_DRIVER = ""
"""Remembered of a stream that no installed driver takes."""

_VERSION = b'"schemaVersion":'
_BEHIND_VERSION = b',"payload":'

log = logging.getLogger(__name__)


class _Told(msgspec.Struct, rename="camel"):
    """What a binding that came in is for."""

    target_id: str
    target_lane: str
    stream_type: str
    schema_version: str = ""


_told = msgspec.json.Decoder(_Told)
_versions = msgspec.json.Decoder(str)


def _entity(series: Series | Stream) -> EntityIds:
    return (series.scope_id, series.system_id, series.container_id, series.unique_id)


class Bindings:
    """What is bound, as far as the writer has to know it."""

    def __init__(self, archive: Archive, table: SeriesTable, registry: Registry) -> None:
        self._archive = archive
        self._registry = registry
        self._bound: dict[EntityIds, set[tuple[Series, bytes]]] = {}
        """Series, and schemaVersions as they are written, that are bound, by their entities."""

        self._marks: dict[Series, tuple[bytes, int]] = {}
        """What the bodies of a series' newest schemaVersion have where, which needs no look."""

        self._selected: dict[bytes, str] = {}
        """What the open commit adds to the catalog."""

        self._wishes = Wishes(archive, table)
        self._now_ns = 0
        """Of the event that is looked at; each is later than the one before."""

    def _forget(self, entity: EntityIds) -> None:
        """Have the streams of an entity looked at again."""
        for known, _ in self._bound.pop(entity, ()):
            self._marks.pop(known, None)

    def insert(
        self, incoming: Incoming, unknown: Sequence[int], known: set[bytes], now_ns: int
    ) -> list[int]:
        """The events that are to be stored with the bindings that go before them.

        `known` are the order keys of the open commit; bindings are added to the columns. `now_ns`
        is about when they are received.
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
        """What an event that may be its stream's first makes; yields the places of bindings."""
        series, body = incoming.names[incoming.series[number]], incoming.bodies[number]
        version = _version(body) if series.lane == "parsed" else b""
        if len(self._bound) >= BOUND_MAX_ENTITIES:
            self._bound.clear()  # The catalog knows them all.
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
        """Take note of metadata that bears on what is selected."""
        if series.message_type == DESCRIPTOR:
            self._now_ns += 1
            if self._wishes.learn(_entity(series), envelope, self._now_ns):
                self._forget(_entity(series))
        elif series.message_type == BINDING_TYPE:
            told = _told.decode(envelope)
            scope_id, *ids = told.target_id.split("|")
            if len(ids) == ENTITY_IDS:
                kind = (told.target_lane, told.stream_type, told.schema_version)
                stream = Stream(scope_id, ids[0], ids[1], ids[2], *kind)
                self._selected.setdefault(catalog.binding_key(stream), self._select(stream))

    def _bind(
        self, incoming: Incoming, number: int, series: Series, known: set[bytes]
    ) -> Iterator[int]:
        """The place of the binding that an event needs, if it needs one."""
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
        """The name of the driver that is selected for a stream."""
        try:
            return self._registry.select(
                stream, self._wishes.of(_entity(stream), self._now_ns)
            ).name
        except DriverError as error:
            log.warning("no driver", extra={"context": {"reason": str(error)}})
            return NO_DRIVER

    def write(self, batch: Batch) -> None:
        """Put what was selected into the commit of the events that it is for."""
        for key, name in self._selected.items():
            batch.put("catalog", key, name.encode())
        self._selected.clear()


def _version(body: bytes) -> bytes:
    """The schemaVersion of a parsed event as it is written, in quotes."""
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
