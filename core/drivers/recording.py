"""`mcap`: all streams of a scope in one MCAP file, for Foxglove and its kin; `nova import` reads
it.

A message is the stored envelope; its log time is the canonical time, its publish time the source
time (times before 1970 are 0 there, the envelope holds the true one). Each stream is a channel,
each lane and type a JSON schema.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from core.drivers.instants import Instants
from sdk.drivers.driver import Blocks, SealedDriver
from sdk.drivers.stream import Stream, Streams
from sdk.envelope import envelope_type
from sdk.errors import DriverError

if TYPE_CHECKING:
    from mcap.writer import Writer

PROFILE = "nova"
CHUNK_BYTES = 4 * 1024 * 1024
"""The index names every channel of every chunk, and is in memory: large chunks keep it small."""

CHANNELS_MAX = 65_535
"""An MCAP channel is numbered with 16 bits."""

_CANONICAL = b'"canonicalTruthTime":"'
_TIME = b',"sourceTruthTime":"'


class Recording(SealedDriver):
    """Every lane of a scope."""

    driver_id = "mcap"
    requires = ("mcap",)
    per_scope = True

    def parts(self, stream: Stream) -> tuple[str, ...]:
        """One file for a scope."""
        return (f"{stream.scope_id}.mcap",)

    def make(self, blocks: Blocks, out: BinaryIO) -> None:
        """Message after message, in the order of the events."""
        from mcap.writer import CompressionType, Writer

        writer = Writer(out, chunk_size=CHUNK_BYTES, compression=CompressionType.ZSTD)
        writer.start(profile=PROFILE, library="nova")
        channels = _Channels(writer)
        canonical, source = Instants(), Instants()
        for events in blocks:
            for stored in events:
                log_ns, publish_ns = _times(stored, canonical, source)
                channel, sequence = channels.next(stored)
                writer.add_message(channel, max(log_ns, 0), stored, max(publish_ns, 0), sequence)
        writer.finish()  # type: ignore[no-untyped-call]  # its author's


def _times(stored: bytes, canonical: Instants, source: Instants) -> tuple[int, int]:
    log = stored.rfind(_CANONICAL) + len(_CANONICAL)
    publish = stored.find(_TIME) + len(_TIME)
    return (
        canonical.ns(stored[log:-2].decode()),
        source.ns(stored[publish : stored.find(b'"', publish)].decode()),
    )


class _Channels:
    """The channels of a file, made as their streams appear."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._streams = Streams()
        self._numbers: dict[Stream, list[int]] = {}
        self._schemas: dict[tuple[str, str], int] = {}

    def next(self, stored: bytes) -> tuple[int, int]:
        """The channel of an event, and how many it had before."""
        stream = self._streams.of(stored)
        known = self._numbers.get(stream)
        if known is None:
            known = self._numbers[stream] = [self._channel(stream), 0]
        known[1] += 1
        return known[0], (known[1] - 1) & 0xFFFF_FFFF

    def _channel(self, stream: Stream) -> int:
        if len(self._numbers) >= CHANNELS_MAX:
            raise DriverError(f"an MCAP file has at most {CHANNELS_MAX} channels")
        kind = (stream.lane, "" if stream.lane == "raw" else stream.stream_type)
        if kind not in self._schemas:
            self._schemas[kind] = self._writer.register_schema(
                ".".join(("nova", *filter(None, kind))), "jsonschema", schema_text(*kind)
            )
        metadata = {"schemaVersion": stream.schema_version} if stream.schema_version else {}
        topic = "/".join(("", stream.scope_id, stream.lane, *stream[1:4], stream.stream_type))
        return self._writer.register_channel(topic, "json", self._schemas[kind], metadata)


@cache
def schema_text(lane: str, message_type: str) -> bytes:
    """The JSON schema of the stored envelopes of a lane and type."""
    kind = envelope_type(lane, message_type)
    if kind is None:
        return b"{}"
    (_, parts) = msgspec.json.schema_components([kind], schema_hook=_any)
    schema = dict(parts[kind.__name__])
    stamp = {"canonicalTruthTime": {"type": "string"}}
    schema["properties"] = {**schema.get("properties", {}), **stamp}
    return msgspec.json.encode(schema, order="deterministic")


def _any(kind: type) -> dict[str, object]:
    if kind is object:
        return {"description": "Any JSON value."}
    raise NotImplementedError


__all__: Sequence[str] = ("Recording", "schema_text")
