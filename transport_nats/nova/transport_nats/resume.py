"""Where to resume a stream, and why the server no longer holds that position."""

from __future__ import annotations

from dataclasses import dataclass

from nats.aio.client import Client

from nova.sdk.transport.base import GapReason, Positions
from nova.transport_nats import jetstream
from nova.transport_nats.jetstream import StreamInfo
from nova.transport_nats.naming import created_key, stored_key

UNKNOWN = 0


@dataclass(slots=True)
class StreamPosition:
    """How far a stream was read: `next` is None at the start. Times are ns, UNKNOWN if not stored.

    `stored_ns` is the time of the record before `next`. Together they detect a server that lost
    its tail and has grown past it since: the sequence exists, but the record is another one.
    """

    next: int | None = None
    created_ns: int = UNKNOWN
    stored_ns: int = UNKNOWN

    @classmethod
    def from_positions(cls, stream: str, positions: Positions) -> StreamPosition:
        """From the positions that the Core stored."""
        return cls(
            positions.get(stream),
            positions.get(created_key(stream), UNKNOWN),
            positions.get(stored_key(stream), UNKNOWN),
        )

    def to_positions(self, stream: str) -> Positions:
        """The positions for the Core to store."""
        found = {created_key(stream): self.created_ns, stored_key(stream): self.stored_ns}
        return found if self.next is None else {stream: self.next, **found}


def end_positions(info: StreamInfo) -> Positions:
    """The positions after all records of a stream."""
    return StreamPosition(info.end, info.created_ns).to_positions(info.name)


async def gap_reason(
    client: Client, info: StreamInfo, position: StreamPosition
) -> GapReason | None:
    """Why reading cannot resume at this position, or None if it can.

    After a lost tail, and in a recreated stream, reading restarts at the oldest record: the records
    may be new, and the store drops duplicates.
    """
    if position.next is None:
        return None
    if position.created_ns not in (UNKNOWN, info.created_ns):
        return "recreated"
    if position.next > info.end:
        return "truncated"
    if position.stored_ns != UNKNOWN and position.next > info.first:
        found_ns = await jetstream.stored_ns(client, info.name, position.next - 1)
        if found_ns not in (None, position.stored_ns):
            return "truncated"
    return "retention" if position.next < info.first else None
