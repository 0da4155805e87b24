"""When the bytes of a recording were received, whose bytes are captured datagrams."""

from __future__ import annotations

from array import array
from bisect import bisect_left


class Arrivals:
    """The capture time and the place of each datagram, by the offset of its end."""

    def __init__(self) -> None:
        self._ends = array("Q")
        self._times_ns = array("Q")
        self._numbers = array("Q")
        self._places = array("Q")

    def add(self, end_bytes: int, at_ns: int, number: int, capture_bytes: int) -> None:
        """Append a datagram: its end here, its time, its packet and that packet's end there."""
        self._ends.append(end_bytes)
        self._times_ns.append(at_ns)
        self._numbers.append(number)
        self._places.append(capture_bytes)

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def first_ns(self) -> int:
        """The time of the first datagram."""
        return self._times_ns[0]

    def time_ns(self, end_bytes: int) -> int:
        """When the byte before an offset was received."""
        return self._times_ns[self._index(end_bytes)]

    def place(self, end_bytes: int) -> tuple[int, int]:
        """The number of the packet with the byte before an offset, and its end in the capture."""
        index = self._index(end_bytes)
        return self._numbers[index], self._places[index]

    def _index(self, end_bytes: int) -> int:
        return min(bisect_left(self._ends, end_bytes), len(self._ends) - 1)
