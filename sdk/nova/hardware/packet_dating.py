"""Dates the packets of a device as a recording of them would be dated.

A packet without a time takes the last known one. Before the first, and before the first segment of
its group, it waits with all behind it, but only for so long: then it takes the last known time, or
the host's.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from nova.recordings.packet_reading import HELD_MAX, PacketContent
from nova.recordings.packets import Packet
from nova.recordings.segments import HELD_MAX_BYTES

WAIT_MAX_S = 1.0


class DatedPacket(NamedTuple):
    """A packet's content and its time; without one the host dates it."""

    content: PacketContent
    at_ns: int | None

    @property
    def packet(self) -> Packet:
        """The packet itself."""
        return self.content.packet


class PacketDating:
    """Keeps packets in order of arrival until their times are known."""

    def __init__(
        self, wait_max_s: float = WAIT_MAX_S, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._wait_max_s = wait_max_s
        self._now_s = now_s
        self._held: deque[tuple[float, PacketContent]] = deque()
        self._size_bytes = 0
        self._last_ns: int | None = None
        self._has_waited_in_vain = False

    def add(self, content: PacketContent) -> None:
        """Append a packet. Those before the first known time take that, as in a recording."""
        self._held.append((self._now_s(), content))
        self._size_bytes += len(content.packet.data)
        if self._last_ns is None:
            self._last_ns = content.time_ns

    @property
    def wait_s(self) -> float | None:
        """How long the next packet may still wait; None if none does."""
        if not self._held:
            return None
        return max(0.0, self._held[0][0] + self._wait_max_s - self._now_s())

    def ready(self, *, is_end: bool = False) -> Iterator[DatedPacket]:
        """The packets whose times are known or were waited for too long; with `is_end`, all."""
        while self._held:
            content = self._held[0][1]
            is_late = is_end or self._is_late()
            at_ns = self._time_of(content, is_late=is_late)
            if at_ns is None and not is_late:
                return
            self._held.popleft()
            self._size_bytes -= len(content.packet.data)
            self._has_waited_in_vain |= at_ns is None
            self._last_ns = at_ns
            yield DatedPacket(content, at_ns)

    def _time_of(self, content: PacketContent, *, is_late: bool) -> int | None:
        """A packet's time, its group's or the last known one; None if it has to wait for it."""
        if content.time_ns is not None:
            return content.time_ns
        if content.group is not None:
            settled = content.group.settled
            if settled is None and not is_late:
                return None
            if settled is not None and settled.time_ns is not None:
                return settled.time_ns
        return self._last_ns

    def _is_late(self) -> bool:
        """Whether the next packet has waited enough. Where no packet has a time, none waits."""
        if self._last_ns is None and self._has_waited_in_vain:
            return True
        is_full = len(self._held) > HELD_MAX or self._size_bytes > HELD_MAX_BYTES
        return is_full or self.wait_s == 0.0
