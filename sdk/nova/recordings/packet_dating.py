"""Dates packets, of recordings and devices alike: a packet has its own time, its group's, or that
of a neighbour.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, TypeVar

from nova.recordings.packet_reading import PacketContent
from nova.recordings.packets import Packet
from nova.recordings.segments import HELD_MAX_BYTES

HELD_MAX = 4096
"""Packets that are held for a time."""

T = TypeVar("T")


class DatedPacket(NamedTuple):
    """A packet, whose `time_ns` is its own or its group's, and the time that it gets. None: no time
    is known, and none was waited for any longer.
    """

    content: PacketContent
    at_ns: int | None

    @property
    def packet(self) -> Packet:
        """The packet itself."""
        return self.content.packet


class PacketDating(Generic[T]):
    """Keeps packets, and what stands between them, in order until their times are known.

    A packet without a time takes the last known one. Before the first, and before the first segment
    of its group, it waits with all behind it, up to a limit of time and packets: then it takes the
    last known time.
    """

    def __init__(
        self,
        first_ns: int | None = None,
        *,
        wait_max_s: float | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`first_ns`: the first known time, if it was found before. `wait_max_s`: how long a packet
        waits; None if all of them are there already.
        """
        self._last_ns = first_ns
        self._wait_max_s = wait_max_s
        self._now_s = now_s
        self._held: deque[tuple[float, PacketContent | T]] = deque()
        self._size_bytes = 0
        self._has_waited_in_vain = False

    def add(self, item: PacketContent | T) -> None:
        """Append an item in order. Packets before the first known time take that."""
        self._held.append((0.0 if self._wait_max_s is None else self._now_s(), item))
        if isinstance(item, PacketContent):
            self._size_bytes += len(item.packet.data)
            if self._last_ns is None:
                self._last_ns = item.time_ns

    @property
    def wait_s(self) -> float | None:
        """How long the next item may still wait; None if none does, or for as long as it takes."""
        if not self._held or self._wait_max_s is None:
            return None
        return max(0.0, self._held[0][0] + self._wait_max_s - self._now_s())

    def ready(self, *, is_end: bool = False) -> Iterator[DatedPacket | T]:
        """The items whose times are known or were waited for too long; with `is_end`, all."""
        while self._held:
            item = self._held[0][1]
            if not isinstance(item, PacketContent):
                self._held.popleft()
                yield item
                continue
            if not (self._is_known(item) or is_end or self._is_late()):
                return
            self._held.popleft()
            self._size_bytes -= len(item.packet.data)
            own_ns = _own_ns(item)
            at_ns = own_ns if own_ns is not None else self._last_ns
            self._has_waited_in_vain |= at_ns is None
            self._last_ns = at_ns
            yield DatedPacket(item._replace(time_ns=own_ns), at_ns)

    def _is_known(self, content: PacketContent) -> bool:
        """Whether a packet's time, or what it takes instead, cannot change any more."""
        if content.time_ns is not None:
            return True
        if content.group is not None:
            settled = content.group.settled
            if settled is None:
                return False
            if settled.time_ns is not None:
                return True
        return self._last_ns is not None

    def _is_late(self) -> bool:
        """Whether the next packet has waited enough. Where no packet has a time, none waits."""
        if self._last_ns is None and self._has_waited_in_vain:
            return True
        is_full = len(self._held) > HELD_MAX or self._size_bytes > HELD_MAX_BYTES
        return is_full or self.wait_s == 0.0


def _own_ns(content: PacketContent) -> int | None:
    """A packet's own time or that of its group, if known."""
    if content.time_ns is not None or content.group is None:
        return content.time_ns
    settled = content.group.settled
    return None if settled is None else settled.time_ns
