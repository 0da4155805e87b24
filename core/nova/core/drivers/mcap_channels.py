"""Channels of an MCAP file, with JSON schemas that say the kinds of their fields.

The kinds are those of a channel's first events, so the schemas depend on the events of the file
alone, however these are divided into blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import TYPE_CHECKING

import msgspec

from nova.sdk.drivers.driver import EventBlocks
from nova.sdk.drivers.driver_stream import HEAD_BYTES, TIME, DriverStream, StreamCache
from nova.sdk.errors import DriverError
from nova.sdk.events.body_fields import field_kinds
from nova.sdk.events.envelope_schema import envelope_schema

if TYPE_CHECKING:
    from mcap.writer import Writer

CHANNELS_MAX = 65_534
"""MCAP channel ids have 16 bits and begin at 1; one is that of the initial states."""

WINDOW_EVENTS = 10_000
WINDOW_BYTES = 8 * 1024 * 1024
"""Events that are read ahead to learn the fields of new channels."""

LEARNED_EVENTS = 100
"""Events of a new channel whose fields are in its schema."""

SCHEMAS_MAX = 1_024
"""Schemas with fields in a file; the writer holds all of them in memory."""


PlacedEvent = tuple[bytes, int, DriverStream]
"""A stored envelope, the offset of its `TIME`, and its stream."""


class McapChannels:
    """The channels of a file, registered when their streams first appear."""

    def __init__(self, writer: Writer, window_events: int, schemas_max: int) -> None:
        self._writer = writer
        self._window_events = window_events
        self._schemas_max = schemas_max
        self._streams = StreamCache()
        self._numbers: dict[DriverStream, tuple[int, count[int]]] = {}
        self._schemas: dict[bytes, int] = {}
        self._names: dict[str, int] = {}

    def place(self, blocks: EventBlocks) -> Iterator[PlacedEvent]:
        """All events; the channels of those that it yields are known."""
        window: list[PlacedEvent] = []
        room = WINDOW_BYTES
        for events in blocks:
            for stored in events:
                at = stored.find(TIME, HEAD_BYTES)
                window.append((stored, at, self._streams.at(stored, at)))
                room -= len(stored)
                if room <= 0 or len(window) >= self._window_events:
                    self._register(window)
                    yield from window
                    window, room = [], WINDOW_BYTES
        self._register(window)
        yield from window

    def next(self, stream: DriverStream) -> tuple[int, int]:
        """Channel id and sequence number for the next event of a stream."""
        number, before = self._numbers[stream]
        return number, next(before) & 0xFFFF_FFFF

    def _register(self, window: Sequence[PlacedEvent]) -> None:
        """Register the channels of streams that appear for the first time."""
        first: dict[DriverStream, list[bytes]] = {}
        for stored, _, stream in window:
            if stream not in self._numbers:
                learned = first.setdefault(stream, [])
                if len(learned) < LEARNED_EVENTS:
                    learned.append(stored)
        for stream, events in first.items():
            self._numbers[stream] = self._channel(stream, events), count()

    def _channel(self, stream: DriverStream, events: Sequence[bytes]) -> int:
        if len(self._numbers) >= CHANNELS_MAX:
            raise DriverError(
                f"the scope has more than {CHANNELS_MAX} streams, the maximum of channels in one "
                "MCAP file: export fewer streams, or use another driver"
            )
        metadata = {"schemaVersion": stream.schema_version} if stream.schema_version else {}
        topic = "/".join(("", stream.scope_id, stream.lane, *stream[1:4], stream.stream_type))
        schema = self._schema(stream, events)
        return self._writer.register_channel(topic, "json", schema, metadata)

    def _schema(self, stream: DriverStream, events: Sequence[bytes]) -> int:
        """The id of the schema with the fields of these events, which other channels may share."""
        message_type = "" if stream.lane == "raw" else stream.stream_type
        name = ".".join(("nova", *filter(None, (stream.lane, message_type))))
        is_full = len(self._schemas) >= self._schemas_max
        fields = () if is_full or stream.lane == "raw" else field_kinds(events).items()
        text = msgspec.json.encode(
            envelope_schema(stream.lane, message_type, fields), order="deterministic"
        )
        key = name.encode() + b"\n" + text
        if key not in self._schemas:
            self._schemas[key] = self._writer.register_schema(self._name(name), "jsonschema", text)
        return self._schemas[key]

    def _name(self, name: str) -> str:
        """A name that no other schema of the file has: viewers know a schema by its name."""
        number = self._names[name] = self._names.get(name, 0) + 1
        return name if number == 1 else f"{name}.{number}"
