"""`mcap`: all streams of a scope in one MCAP file (https://mcap.dev/spec), for Foxglove and similar
tools; `nova import` reads it.

A message is a stored envelope. Its log time is the canonical time and its publish time the source
time; MCAP times before 1970 are 0, and the envelope has the exact one. Each stream is a channel,
each lane and type a JSON schema. The file begins with the initial states of views, which they had
strictly before its range, on a channel of their own. Their log time is the begin of the range, or
the receive time of the first event if that is earlier, as is possible in source time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from nova.sdk import timestamps
from nova.sdk.drivers.driver import EventBlocks, InitialStateDriver
from nova.sdk.drivers.driver_stream import HEAD_BYTES, TIME, TIME_BYTES, DriverStream, StreamCache
from nova.sdk.drivers.initial_state import CHECKPOINT_METADATA, InitialState
from nova.sdk.errors import DriverError
from nova.sdk.events.arrow_times import NORMAL_CHARS, SECOND_CHARS
from nova.sdk.events.envelope_schema import envelope_schema

if TYPE_CHECKING:
    from mcap.writer import Writer

PROFILE = "nova"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECONDS_PER_DAY = 86_400
CHUNK_BYTES = 8 * 1024 * 1024
"""Large, as the writer holds an index entry per channel and chunk in memory."""

SECONDS_MAX = 4_096
CHANNELS_MAX = 65_535
"""MCAP channel ids have 16 bits."""

CHECKPOINT_SCHEMA = msgspec.json.encode(
    {
        "type": "object",
        "description": "What a view showed strictly before checkpointTime.",
        "properties": {
            **{
                name: {"type": "string"}
                for name in (
                    *("checkpointTime", "scopeId", "systemId", "containerId", "uniqueId"),
                    *("viewId", "manifestId", "manifestVersion", "lastTime", "lastEventId"),
                )
            },
            "state": {"type": "object"},
            "keyTimes": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    }
)

FRACTION = slice(SECOND_CHARS + 1, NORMAL_CHARS - 1)


class McapRecording(InitialStateDriver):
    """All lanes of a scope in one MCAP file."""

    driver_id = "mcap"
    requires = ("mcap",)
    per_scope = True

    def parts(self, stream: DriverStream) -> tuple[str, ...]:
        """One file per scope."""
        return (f"{stream.scope_id}.mcap",)

    def make_from(self, initial_state: InitialState, blocks: EventBlocks, out: BinaryIO) -> None:
        """Write the initial states, then one message per event in the order of the events."""
        from mcap.writer import CompressionType, Writer

        writer = Writer(out, chunk_size=CHUNK_BYTES, compression=CompressionType.ZSTD)
        writer.start(profile=PROFILE, library="nova")
        channels, times = _McapChannels(writer), _EnvelopeTimes()
        is_open = False
        for events in blocks:
            if events and not is_open:
                is_open = True
                first_ns, _ = times.of(events[0], events[0].find(TIME, HEAD_BYTES))
                _write_initial_states(writer, initial_state, min(initial_state.time_ns, first_ns))
            for stored in events:
                at = stored.find(TIME, HEAD_BYTES)
                log_ns, publish_ns = times.of(stored, at)
                channel, sequence = channels.next(stored, at)
                writer.add_message(channel, log_ns, stored, publish_ns, sequence)
        writer.finish()  # type: ignore[no-untyped-call]  # untyped in the mcap package


def _write_initial_states(writer: Writer, initial_state: InitialState, log_ns: int) -> None:
    """Write the initial states on one channel, which is registered only if there are any."""
    channel, time_ns = None, max(log_ns, 0)
    for number, checkpoint in enumerate(initial_state.checkpoints):
        if channel is None:
            schema = writer.register_schema("nova.checkpoint", "jsonschema", CHECKPOINT_SCHEMA)
            channel = writer.register_channel("/checkpoint", "json", schema, CHECKPOINT_METADATA)
        writer.add_message(channel, time_ns, checkpoint, time_ns, number & 0xFFFF_FFFF)


class _EnvelopeTimes:
    """Parses the two times of envelopes; caches whole seconds, which adjacent events share."""

    def __init__(self) -> None:
        self._seconds: dict[bytes, int] = {}

    def of(self, stored: bytes, at: int) -> tuple[int, int]:
        """Canonical and source time in ns, clamped to 0, of an envelope with `TIME` at offset `at`.
        The canonical time is always in normal form; the source time need not be.
        """
        seconds = self._seconds
        at += TIME_BYTES
        text = stored[at : at + NORMAL_CHARS + 1]
        if text.endswith(b'Z"'):
            second = text[:SECOND_CHARS]
            source_ns = (seconds.get(second) or self._second(second)) + int(text[FRACTION])
        else:
            source_ns = timestamps.parse(stored[at : stored.find(b'"', at)].decode())
        second = stored[-2 - NORMAL_CHARS : SECOND_CHARS - NORMAL_CHARS - 2]
        canonical_ns = (seconds.get(second) or self._second(second)) + int(stored[-12:-3])
        if canonical_ns < 0 or source_ns < 0:
            return max(canonical_ns, 0), max(source_ns, 0)
        return canonical_ns, source_ns

    def _second(self, text: bytes) -> int:
        if len(self._seconds) >= SECONDS_MAX:
            self._seconds.clear()
        whole = datetime.fromisoformat(text.decode()).replace(tzinfo=UTC) - EPOCH
        found = (whole.days * SECONDS_PER_DAY + whole.seconds) * timestamps.NS_PER_SECOND
        self._seconds[text] = found
        return found


class _McapChannels:
    """The channels of a file, registered when their streams first appear."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._streams = StreamCache()
        self._numbers: dict[DriverStream, tuple[int, count[int]]] = {}
        self._schemas: dict[tuple[str, str], int] = {}

    def next(self, stored: bytes, at: int) -> tuple[int, int]:
        """Channel id and sequence number for an event with `TIME` at offset `at`."""
        stream = self._streams.at(stored, at)
        known = self._numbers.get(stream)
        if known is None:
            known = self._numbers[stream] = self._channel(stream), count()
        number, before = known
        return number, next(before) & 0xFFFF_FFFF

    def _channel(self, stream: DriverStream) -> int:
        if len(self._numbers) >= CHANNELS_MAX:
            raise DriverError(
                f"the scope has more than {CHANNELS_MAX} streams, the maximum of channels in one "
                "MCAP file: export fewer streams, or use another driver"
            )
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
    """The JSON schema of stored envelopes of a lane and message type."""
    return msgspec.json.encode(envelope_schema(lane, message_type), order="deterministic")


__all__: Sequence[str] = ("McapRecording", "schema_text")
