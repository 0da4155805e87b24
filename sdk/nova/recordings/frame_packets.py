"""Packets out of transfer frames: joined per virtual channel, over the ends of frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from nova.recordings.frame_format import SYNC_MARK, FrameError, FrameFormat, TransferFrame
from nova.recordings.packets import HEADER_SIZE_BYTES, Packet, PacketDamage, header_at

READ_BYTES = 1024 * 1024
NO_MARK = "no synchronisation mark where a frame should begin"
CUT = "the last frame is cut"
GAP = "frames are missing before this one: what of a packet was there is lost"
LOST = "the rest of a packet that did not end in its frames"


class _Unit(NamedTuple):
    """The bytes of a frame behind its mark, or bytes that are none (`reason` says why)."""

    offset_bytes: int
    data: bytes
    size_bytes: int
    reason: str | None = None

    @property
    def end_bytes(self) -> int:
        return self.offset_bytes + self.size_bytes


def framed_packets(file: BinaryIO, layout: FrameFormat) -> Iterator[Packet | PacketDamage]:
    """All packets and damage of a file of frames. A packet's end is that of its last frame."""
    channels: dict[int, _Channel] = {}
    for unit in _units(file, layout):
        if unit.reason is not None:
            yield _damage(unit, unit.reason, unit.size_bytes)
            continue
        try:
            frame = layout.read(unit.data)
        except FrameError as error:
            yield _damage(unit, str(error), unit.size_bytes)
            continue
        if frame.is_idle:
            continue
        channel = channels.setdefault(frame.channel, _Channel(layout.count_modulo))
        lost_bytes, reason = channel.add(frame)
        if lost_bytes:
            yield _damage(unit, reason, lost_bytes)
        for data in channel.packets():
            yield Packet(unit.end_bytes - len(data), data)


def _damage(unit: _Unit, reason: str, size_bytes: int) -> PacketDamage:
    return PacketDamage(unit.end_bytes - size_bytes, size_bytes, reason, unit.data[-1:])


class _Channel:
    """A virtual channel: the bytes of packets that are not whole yet."""

    def __init__(self, count_modulo: int) -> None:
        self._modulo = count_modulo
        self._next_count: int | None = None
        self._open: bytearray | None = None
        """None until a packet begins."""

    def add(self, frame: TransferFrame) -> tuple[int, str]:
        """Add a frame; returns how many bytes of a packet are lost with it, and why."""
        is_next = self._next_count is None or frame.count == self._next_count
        self._next_count = (frame.count + 1) % self._modulo
        lost_bytes = 0
        if not is_next:
            lost_bytes, self._open = len(self._open or b""), None
        if self._open is None:
            if frame.first is None:
                return lost_bytes, GAP
            self._open = bytearray(frame.data[frame.first :])
            return lost_bytes, GAP
        continued = frame.data if frame.first is None else frame.data[: frame.first]
        self._open += continued
        if frame.first is None:
            return lost_bytes, GAP
        lost_bytes = self._rest_bytes()
        if lost_bytes:  # The pointer is right; the length of the packet was not.
            self._open.clear()
        self._open += frame.data[frame.first :]
        return lost_bytes, LOST

    def _rest_bytes(self) -> int:
        """The bytes that are left when all whole packets are taken away."""
        at, data = 0, bytes(self._open or b"")
        while (header := header_at(data, at)) is not None and at + header.size_bytes <= len(data):
            at += header.size_bytes
        return len(data) - at

    def packets(self) -> Iterator[bytes]:
        """The packets that are whole by now."""
        data, at = bytes(self._open or b""), 0
        while len(data) - at >= HEADER_SIZE_BYTES:
            header = header_at(data, at)
            if header is None or at + header.size_bytes > len(data):
                break
            yield data[at : at + header.size_bytes]
            at += header.size_bytes
        if self._open is not None:
            self._open = bytearray(data[at:])


def _units(file: BinaryIO, layout: FrameFormat) -> Iterator[_Unit]:
    """The units of a file; where a mark is missing, reading continues at the next one."""
    mark = SYNC_MARK if layout.has_sync else b""
    data, at, base, skipped = b"", 0, 0, 0
    while True:
        if len(data) - at < layout.unit_bytes:
            data, base, at = data[at:] + file.read(READ_BYTES), base + at, 0
        if len(data) - at < layout.unit_bytes:
            break
        if not data.startswith(mark, at):
            after = data.find(mark, at + 1)
            step = (after if after >= 0 else len(data) - len(mark) + 1) - at
            at, skipped = at + step, skipped + step
            continue
        if skipped:
            yield _Unit(base + at - skipped, data[at - 1 : at], skipped, NO_MARK)
            skipped = 0
        unit = data[at + len(mark) : at + layout.unit_bytes]
        yield _Unit(base + at, unit, layout.unit_bytes)
        at += layout.unit_bytes
    rest = len(data) - at + skipped
    if rest:
        yield _Unit(base + len(data) - rest, data[-1:], rest, NO_MARK if skipped else CUT)
