"""MCAP recordings of Foxglove and ROS 2: messages of topics, also behind damage."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nova.recordings.mcap_chunk import decompress, parse_chunk
from nova.recordings.mcap_reader import (
    CHANNEL,
    CHUNK,
    HEADER,
    MAGIC,
    MESSAGE,
    PROFILE,
    McapDamage,
    McapRecord,
    mcap_records,
)
from nova.recordings.mcap_window import LookaheadWindow
from nova.recordings.recorded_message import MessageEvents
from nova.recordings.recording import RecordingError, Step
from nova.recordings.topic_messages import Topic, TopicEvents, TopicMessage
from nova.sdk.events.observation import Observer
from nova.sdk.optional_imports import import_optional
from nova.sdk.producer.view_updates import ViewUpdates

SYSTEM_ID = "mcap"
SCHEMA = 3
RECORD_MAX_BYTES = 64 * 1024 * 1024
OWN = "is a recording of NOVA: `nova import` reads it, with all that it proves"
_MESSAGE_HEAD = struct.Struct("<HIQQ")


class McapMessagesReader:
    """Reads a file from front to back, chunk by chunk."""

    def __init__(
        self,
        path: Path,
        observer: Observer,
        *,
        time: str | None = None,
        epoch_ns: int | None = None,
        system_id: str | None = None,
        views: ViewUpdates | None = None,
    ) -> None:
        import_optional("mcap", "recordings")
        self._path = path
        events = MessageEvents(observer, system_id or SYSTEM_ID, views)
        self._topics = TopicEvents(path, events, time, epoch_ns)
        self._schemas: dict[int, tuple[str, str, bytes]] = {}
        self._channels: dict[int, Topic] = {}

    def steps(self) -> Iterator[Step]:
        """A step per message, and one per damaged place."""
        damage = McapDamage()
        with self._path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise RecordingError(f"{self._path} does not begin as an MCAP file")
            told = 0
            for record in _all_records(file, damage):
                yield from _problems(damage, told, file)
                told = damage.places
                yield from self._record_steps(record, file.tell())
            yield from _problems(damage, told, file)
        self._topics.end()

    def _record_steps(self, record: McapRecord, end_bytes: int) -> Iterator[Step]:
        try:
            if record.opcode == HEADER:
                self._check_profile(record.content)
            elif record.opcode == SCHEMA:
                self._add_schema(record.content)
            elif record.opcode == CHANNEL:
                self._add_channel(record.content)
            elif record.opcode == MESSAGE:
                yield from self._message_steps(record.content, end_bytes)
        except (ValueError, struct.error, EOFError) as error:
            yield Step(end_bytes, f"byte {record.at}", problem=f"a damaged record: {error}")

    def _check_profile(self, content: bytes) -> None:
        size = int.from_bytes(content[:4], "little")
        if content[4 : 4 + size].decode(errors="replace") == PROFILE:
            raise RecordingError(f"{self._path} {OWN}")

    def _add_schema(self, content: bytes) -> None:
        from mcap.data_stream import ReadDataStream
        from mcap.records import Schema

        schema = Schema.read(ReadDataStream(io.BytesIO(content)))
        self._schemas[schema.id] = (schema.name, schema.encoding, schema.data)

    def _add_channel(self, content: bytes) -> None:
        from mcap.data_stream import ReadDataStream
        from mcap.records import Channel

        channel = Channel.read(ReadDataStream(io.BytesIO(content)))
        schema = self._schemas.get(channel.schema_id, ("", "", b""))
        self._channels[channel.id] = Topic(channel.topic, channel.message_encoding, *schema)

    def _message_steps(self, content: bytes, end_bytes: int) -> Iterator[Step]:
        channel_id, _, log_ns, _ = _MESSAGE_HEAD.unpack_from(content)
        topic = self._channels.get(channel_id)
        if topic is None:
            raise ValueError(f"a message of the unknown channel {channel_id}")
        data = content[_MESSAGE_HEAD.size :]
        yield from self._topics.step(TopicMessage(end_bytes, topic, log_ns, data))


def _all_records(file: BinaryIO, damage: McapDamage) -> Iterator[McapRecord]:
    """The records of a file, with those of each chunk in its place."""
    window = LookaheadWindow(file)
    for record in mcap_records(window, damage, RECORD_MAX_BYTES, ""):
        if record.opcode != CHUNK:
            yield record
            continue
        where = f"the chunk at byte {record.at:,}"
        chunk = parse_chunk(record.content)
        data, wrong = decompress(chunk, RECORD_MAX_BYTES)
        if not wrong and chunk.uncompressed_crc not in (0, zlib.crc32(data)):
            wrong = "does not match its checksum"
        if wrong:
            damage.add(f"{where}: {wrong}", max(chunk.uncompressed_size - len(data), 0))
        inner = LookaheadWindow(io.BytesIO(data))
        inside = f" of {where}"
        yield from mcap_records(inner, damage, RECORD_MAX_BYTES, inside, bool(wrong))


def _problems(damage: McapDamage, told: int, file: BinaryIO) -> Iterator[Step]:
    """A problem for each damaged place beyond the first `told`."""
    for text in damage.examples[told:]:
        yield Step(file.tell(), "MCAP", problem=text)
    for _ in range(max(told, len(damage.examples)), damage.places):
        yield Step(file.tell(), "MCAP", problem="another damaged place")
