"""An MCAP file while it is written: byte for byte what the library's writer makes of the same
messages, in two thirds of its work, half of its time, and with a smaller index.

The library asks for one message at a time and keeps a dictionary of channels for each chunk until
the end. Here a chunk is joined at once, compressed in a thread while the next one is collected, and
its index is kept as the bytes that it will be.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

import zstandard
from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    Chunk,
    ChunkIndex,
    DataEnd,
    Footer,
    Header,
    McapRecord,
    Schema,
    Statistics,
    SummaryOffset,
)
from mcap.writer import MCAP0_MAGIC

COMPRESSION = "zstd"
ENCODING = "json"
SCHEMA_ENCODING = "jsonschema"

_RECORD = struct.Struct("<BQ")
_MESSAGE = struct.Struct("<BQHIQQ")
_MESSAGE_BYTES = _MESSAGE.size - _RECORD.size
_INDEX = struct.Struct("<BQHI")
_INDEX_BYTES = _INDEX.size - _RECORD.size
_ENTRY = struct.Struct("<QQ")
_OFFSET = struct.Struct("<Q")


class _Collected:
    """The chunk that is being collected."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self.times_ns: list[int] = []
        self.entries: dict[int, list[bytes]] = {}
        """Time and offset of each channel's messages, as they are indexed."""

    def add(self, record: bytes) -> None:
        """Take a record that is no message."""
        self.parts.append(record)
        self.size += len(record)


class _Chunk(NamedTuple):
    """A chunk that is to be written once it is compressed."""

    first_ns: int
    last_ns: int
    size: int
    entries: dict[int, list[bytes]]
    made: Future[tuple[bytes, int]]
    """The compressed bytes, and the checksum of what they were made of."""


class ChunkedFile:
    """Takes schemas, channels and messages; whole once `finish` was called."""

    def __init__(self, out: BinaryIO, chunk_bytes: int, profile: str) -> None:
        self._out = out
        self._chunk_bytes = chunk_bytes
        self._schemas: list[Schema] = []
        self._channels: list[Channel] = []
        self._counts: dict[int, int] = {}
        self._indexes: list[bytes] = []
        self._times_ns: list[int] = []
        """The first and the last time, once there are any."""

        self._now = _Collected()
        self._waiting: _Chunk | None = None
        self._thread = ThreadPoolExecutor(1)
        self._put(MCAP0_MAGIC, bytes_of([Header(profile, "nova")]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._thread.shutdown()

    def schema(self, name: str, text: bytes) -> int:
        """Say how messages of a kind are built; returns the number of the schema."""
        schema = Schema(len(self._schemas) + 1, text, SCHEMA_ENCODING, name)
        self._schemas.append(schema)
        self._now.add(bytes_of([schema]))
        self._cut()
        return schema.id

    def channel(self, topic: str, schema: int, metadata: dict[str, str]) -> int:
        """Begin a channel; returns its number."""
        channel = Channel(len(self._channels) + 1, topic, ENCODING, metadata, schema)
        self._channels.append(channel)
        self._now.add(bytes_of([channel]))
        self._cut()
        return channel.id

    def message(
        self, channel: int, log_ns: int, data: bytes, publish_ns: int, sequence: int
    ) -> None:
        """Add a message to a channel."""
        now = self._now
        length = _MESSAGE_BYTES + len(data)
        head = _MESSAGE.pack(Opcode.MESSAGE, length, channel, sequence, log_ns, publish_ns)
        now.parts += (head, data)
        now.times_ns.append(log_ns)
        entry = _ENTRY.pack(log_ns, now.size)
        entries = now.entries.get(channel)
        if entries is None:
            now.entries[channel] = [entry]
        else:
            entries.append(entry)
        now.size += _RECORD.size + length
        if now.size > self._chunk_bytes:
            self._cut()

    def finish(self) -> None:
        """Write what is left, and the summary."""
        if self._now.times_ns:
            self._send()
        self._write_waiting()
        self._put(bytes_of([DataEnd(0)]))
        self._summarize()
        self._put(MCAP0_MAGIC)

    def _cut(self) -> None:
        """End the chunk where it is large enough; one without messages is never written."""
        if self._now.size > self._chunk_bytes and self._now.times_ns:
            self._send()

    def _send(self) -> None:
        """Have the chunk compressed, and write the one before meanwhile."""
        now, self._now = self._now, _Collected()
        data = b"".join(now.parts)
        times_ns, entries = now.times_ns, now.entries
        for channel, those in entries.items():
            self._counts[channel] = self._counts.get(channel, 0) + len(those)
        span = min(times_ns), max(times_ns)
        self._times_ns = [min((*self._times_ns, span[0])), max((*self._times_ns, span[1]))]
        self._write_waiting()
        self._waiting = _Chunk(*span, len(data), entries, self._thread.submit(_made, data))

    def _write_waiting(self) -> None:
        """Write the chunk that was sent, its indexes of messages, and remember where they are."""
        chunk, self._waiting = self._waiting, None
        if chunk is None:
            return
        data, crc = chunk.made.result()
        offset = self._out.tell()
        record = bytes_of(
            [Chunk(COMPRESSION, data, chunk.last_ns, chunk.first_ns, crc, chunk.size)]
        )
        indexes = [_index_of(channel, entries) for channel, entries in chunk.entries.items()]
        offsets: dict[int, int] = {}
        behind = offset + len(record)
        for channel, index in zip(chunk.entries, indexes, strict=True):
            offsets[channel] = behind
            behind += len(index)
        self._put(record, *indexes)
        index_record = ChunkIndex(
            chunk_length=len(record),
            chunk_start_offset=offset,
            compression=COMPRESSION,
            compressed_size=len(data),
            message_end_time=chunk.last_ns,
            message_index_length=sum(map(len, indexes)),
            message_index_offsets=offsets,
            message_start_time=chunk.first_ns,
            uncompressed_size=chunk.size,
        )
        self._indexes.append(bytes_of([index_record]))

    def _summarize(self) -> None:
        """The summary in groups, where the groups are, and the footer."""
        start = self._out.tell()
        groups = [
            (Opcode.SCHEMA, [bytes_of(self._schemas)]),
            (Opcode.CHANNEL, [bytes_of(self._channels)]),
            (Opcode.STATISTICS, [bytes_of([self._statistics()])]),
            (Opcode.CHUNK_INDEX, self._indexes),
            (Opcode.ATTACHMENT_INDEX, []),
            (Opcode.METADATA_INDEX, []),
        ]
        crc, at = 0, start
        offsets: list[SummaryOffset] = []
        for opcode, records in groups:
            size = sum(map(len, records))
            offsets.append(SummaryOffset(opcode, at, size))
            at += size
        tail = bytes_of(offsets)
        for records in (*(records for _, records in groups), [tail]):
            for record in records:
                crc = zlib.crc32(record, crc)
                self._put(record)
        footer = bytes_of([Footer(start, at, 0)])
        # Its checksum covers all of the summary, and the footer up to the checksum itself.
        crc = zlib.crc32(footer[:-4], crc)
        self._put(bytes_of([Footer(start, at, crc)]))

    def _statistics(self) -> Statistics:
        first_ns, last_ns = self._times_ns or (0, 0)
        return Statistics(
            attachment_count=0,
            channel_count=len(self._channels),
            channel_message_counts=self._counts,
            chunk_count=len(self._indexes),
            message_count=sum(self._counts.values()),
            message_end_time=last_ns,
            message_start_time=first_ns,
            metadata_count=0,
            schema_count=len(self._schemas),
        )

    def _put(self, *records: bytes) -> None:
        self._out.writelines(records)


def _made(data: bytes) -> tuple[bytes, int]:
    return zstandard.compress(data), zlib.crc32(data)


def _index_of(channel: int, entries: list[bytes]) -> bytes:
    size = _ENTRY.size * len(entries)
    head = _INDEX.pack(Opcode.MESSAGE_INDEX, _INDEX_BYTES + size, channel, size)
    return b"".join((head, *entries))


def bytes_of(records: Iterable[McapRecord]) -> bytes:
    """Records as they stand in a file."""
    builder = RecordBuilder()
    for record in records:
        record.write(builder)
    return bytes(builder.end())  # type: ignore[no-untyped-call]  # its author's
