"""Sends the chunks of one stream, and knows how far its client has got."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol

from nova.core.query.memory_budget import MemoryBudget
from nova.core.query.range_cursor import Hit
from nova.core.server.tail_chunk import SharedHits
from nova.sdk import timestamps
from nova.sdk.protocol import messages


class SendFrame(Protocol):
    """Sends an encoded frame to a connection's client."""

    def __call__(self, frame: bytes, *, of_stream: bool = False) -> Awaitable[None]: ...


class ChunkSender:
    """The chunks of one stream; each holds budget until it is sent."""

    def __init__(self, playback_id: str, budget: MemoryBudget, send_frame: SendFrame) -> None:
        self._playback_id = playback_id
        self._budget = budget
        self._send_frame = send_frame
        self._cursor: str | None = None
        self._last_key: str | None = None

    async def send(self, cursor_ns: int, events: Sequence[Hit]) -> None:
        cursor = timestamps.text(cursor_ns)
        last_key = events[-1][0].hex() if events else None
        stored = (
            events.texts if isinstance(events, SharedHits) else [stored for _, stored in events]
        )
        frame = messages.chunk_frame(self._playback_id, cursor, stored, last_key)
        del stored
        with self._budget.hold_chunk(len(frame)):
            # A frame whose sender is cancelled is delivered all the same.
            self._cursor, self._last_key = cursor, last_key or self._last_key
            await self._send_frame(frame, of_stream=True)

    def cancelled(self, reason: str) -> messages.StreamCancelled:
        """The message that ends the stream where it is."""
        return messages.StreamCancelled(
            playback_request_id=self._playback_id,
            reason=reason,
            cursor=self._cursor,
            last_key=self._last_key,
        )
