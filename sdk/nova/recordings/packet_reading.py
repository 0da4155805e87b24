"""Reads the time and message of packets, for recordings and devices alike."""

from __future__ import annotations

from typing import NamedTuple

from nova.recordings.packet_time import TimeSource
from nova.recordings.packets import FIRST, WHOLE, Packet
from nova.recordings.segments import SegmentGroup, SegmentJoiner
from nova.recordings.xtce import XtceDefinition
from nova.recordings.xtce_decoders import DecodedPacket

IDLE = "an idle packet (APID 2047): it fills the channel and is not decoded"
NOT_DECODED = "raw only: the XTCE file does not describe the packet"
INCOMPLETE = "a segment group is incomplete: its packets are raw only"


class PacketContent(NamedTuple):
    """A packet with its time, and the message that it is or completes.

    A continuation has the time of its group, if known. `message_ns` is the time of the message,
    which is that of its first segment.
    """

    packet: Packet
    time_ns: int | None
    decoded: DecodedPacket | None = None
    message_ns: int | None = None
    notes: tuple[str, ...] = ()
    group: SegmentGroup | None = None
    """The group of a segment whose time is not known yet."""


class PacketDecoder:
    """Reads packets in order of arrival; joins segments before they are decoded."""

    def __init__(self, definition: XtceDefinition | None, time: TimeSource | None) -> None:
        self._definition = definition
        self._time = time
        self._segments = SegmentJoiner()

    def read(self, packet: Packet) -> PacketContent:
        """Read a packet; a segment that completes its group includes the message."""
        if packet.is_idle:
            return PacketContent(packet, None, notes=(IDLE,))
        if packet.flags == WHOLE:
            self._segments.abandon_overtaken(packet)
            return self._content(packet, packet, None)
        return self._segment(packet)

    def incomplete(self, *, is_end: bool = False) -> list[SegmentGroup]:
        """Groups of segments that were released as incomplete; with `is_end`, all that remain."""
        if is_end:
            self._segments.abandon_all()
        return self._segments.take_abandoned()

    def _segment(self, packet: Packet) -> PacketContent:
        time_ns = self._own_time(packet)
        group = self._segments.add(packet, time_ns)
        time_ns = time_ns if time_ns is not None else group.time_ns
        if not group.is_whole or group.is_read:
            return PacketContent(packet, time_ns, group=group)
        group.is_read = True
        secondary_bytes = self._time.secondary_bytes if self._time is not None else 0
        first = group.packets[0]
        whole = Packet(first.offset_bytes, group.join(secondary_bytes))
        content = self._content(packet, whole, time_ns)
        if group.time_ns is None:
            group.time_ns = content.message_ns
        return content

    def _own_time(self, packet: Packet) -> int | None:
        """A segment's own time. Time fields are decoded from a first segment only."""
        if self._time is None:
            return None
        if self._time.field is None:
            return self._time.time_of(packet, None)
        if packet.flags != FIRST or self._definition is None:
            return None
        return self._time.time_of(packet, self._definition.decode(packet.data))

    def _content(self, packet: Packet, whole: Packet, time_ns: int | None) -> PacketContent:
        decoded = self._definition.decode(whole.data) if self._definition is not None else None
        message_ns = self._time.time_of(whole, decoded) if self._time is not None else None
        if message_ns is None:
            message_ns = time_ns
        notes = decoded.notes if decoded is not None else ()
        if decoded is None and self._definition is not None:
            notes = (NOT_DECODED,)
        own_ns = time_ns if time_ns is not None else message_ns
        return PacketContent(packet, own_ns, decoded, message_ns, notes)
