"""`mcap`: all streams of a scope in one MCAP file (https://mcap.dev/spec), for Foxglove and similar
tools; `nova import` reads it.

A message is a stored envelope. Its log time is the canonical time and its publish time the source
time; MCAP times before 1970 are 0, and the envelope has the exact one. Each stream is a channel
with a JSON schema. The file begins with the initial states of views, which they had strictly before
its range, on a channel of their own. Their log time is the begin of the range, or the receive time
of the first event if that is earlier, as is possible in source time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from nova.core.drivers.mcap_channels import SCHEMAS_MAX, WINDOW_EVENTS, McapChannels
from nova.sdk import timestamps
from nova.sdk.drivers.driver import EventBlocks, InitialStateDriver
from nova.sdk.drivers.driver_stream import TIME_BYTES, DriverStream
from nova.sdk.drivers.initial_state import CHECKPOINT_METADATA, InitialState
from nova.sdk.events.arrow_times import NORMAL_CHARS, SECOND_CHARS

if TYPE_CHECKING:
    from mcap.writer import Writer

PROFILE = "nova"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECONDS_PER_DAY = 86_400
CHUNK_BYTES = 8 * 1024 * 1024
"""Large, as the writer holds an index entry per channel and chunk in memory."""

SECONDS_MAX = 4_096
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

    def __init__(
        self, *, window_events: int = WINDOW_EVENTS, schemas_max: int = SCHEMAS_MAX
    ) -> None:
        self._window_events = window_events
        self._schemas_max = schemas_max

    def parts(self, stream: DriverStream) -> tuple[str, ...]:
        """One file per scope."""
        return (f"{stream.scope_id}.mcap",)

    def make_from(self, initial_state: InitialState, blocks: EventBlocks, out: BinaryIO) -> None:
        """Write the initial states, then one message per event in the order of the events."""
        from mcap.writer import CompressionType, Writer

        writer = Writer(out, chunk_size=CHUNK_BYTES, compression=CompressionType.ZSTD)
        writer.start(profile=PROFILE, library="nova")
        channels = McapChannels(writer, self._window_events, self._schemas_max)
        times = _EnvelopeTimes()
        is_open = False
        for stored, at, stream in channels.place(blocks):
            log_ns, publish_ns = times.of(stored, at)
            if not is_open:
                is_open = True
                _write_initial_states(writer, initial_state, min(initial_state.time_ns, log_ns))
            channel, sequence = channels.next(stream)
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
