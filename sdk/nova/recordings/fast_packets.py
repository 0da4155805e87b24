"""Collects the frames of long NMEA 2000 messages (fast packets), so that no two are mixed."""

from __future__ import annotations

from dataclasses import dataclass, field

from nova.recordings.candump import CanFrame

AGE_MAX_NS = 750_000_000
"""Frames of one message are not further apart (NMEA 2000 fast-packet timeout)."""
FIRST_BYTES, FURTHER_BYTES = 6, 7
_INDEX_MASK = 0x1F


@dataclass(slots=True)
class _Sequence:
    """The frames of one message by index."""

    counter: int
    last_ns: int
    frames: dict[int, CanFrame] = field(default_factory=dict)
    is_complete: bool = False

    def can_have(self, counter: int, index: int, frame: CanFrame, at_ns: int) -> bool:
        """Whether a frame belongs to the message; a repeated one does."""
        if counter != self.counter or abs(at_ns - self.last_ns) > AGE_MAX_NS:
            return False
        return index not in self.frames or self.frames[index].data == frame.data

    def whole(self) -> list[CanFrame] | None:
        """All frames in order; None if some are missing."""
        first = self.frames.get(0)
        if first is None or len(first.data) < 2:
            return None
        further = -(-max(0, first.data[1] - FIRST_BYTES) // FURTHER_BYTES)
        indices = range(further + 1)
        return [self.frames[i] for i in indices] if all(i in self.frames for i in indices) else None


class FastPackets:
    """The messages that are incomplete, by CAN id."""

    def __init__(self) -> None:
        self._sequences: dict[str, _Sequence] = {}
        self.incomplete = 0

    def add(self, frame: CanFrame, at_ns: int) -> list[CanFrame]:
        """All frames of the message that this one completes, in order; empty otherwise."""
        if not frame.data:
            return []
        counter, index = frame.data[0] >> 5, frame.data[0] & _INDEX_MASK
        held = self._sequences.get(frame.id)
        if held is None or not held.can_have(counter, index, frame, at_ns):
            self.incomplete += held is not None and not held.is_complete
            held = self._sequences[frame.id] = _Sequence(counter, at_ns)
        held.last_ns = at_ns
        held.frames[index] = frame
        whole = None if held.is_complete else held.whole()
        held.is_complete = held.is_complete or whole is not None
        return whole or []
