"""Dating of packets that have no time: how long they wait, and for what."""

from __future__ import annotations

from typing import Never

from nova.recordings.packet_dating import HELD_MAX, PacketDating
from nova.recordings.packet_reading import PacketContent
from nova.recordings.packets import FIRST, LAST, Packet
from nova.recordings.segments import SegmentJoiner
from tests.recordings.packet_files import packet


class Dating:
    """Dates packets by a clock that is set by hand, with a bound of one second."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.dating = PacketDating[Never](wait_max_s=1.0, now_s=lambda: self.now_s)
        self._joiner = SegmentJoiner()

    def add(self, sequence: int, time_ns: int | None, flags: int | None = None) -> list[int | None]:
        """Add a packet; returns the times of those that are ready."""
        body = b"body"
        one = Packet(0, packet(30, sequence, body) if flags is None else _segment(sequence, flags))
        group = None if flags is None else self._joiner.add(one, time_ns)
        self.dating.add(PacketContent(one, time_ns, group=group))
        return self.ready()

    def ready(self, *, is_end: bool = False) -> list[int | None]:
        return [one.at_ns for one in self.dating.ready(is_end=is_end)]


def _segment(sequence: int, flags: int) -> bytes:
    return packet(30, sequence, b"part", flags=flags)


def test_a_packet_without_a_time_takes_the_one_before_it_else_the_next() -> None:
    """Only the first ones of a device have to wait."""
    dating = Dating()
    assert dating.add(1, None) == dating.add(2, None) == []
    assert dating.add(3, 70) == [70, 70, 70]
    assert dating.add(4, None) == [70]


def test_the_wait_for_the_first_time_is_bounded() -> None:
    """Then the host dates what comes, without another wait, until a time is there."""
    dating = Dating()
    assert dating.add(1, None) == []
    dating.now_s = 0.25
    assert dating.dating.wait_s == 0.75
    dating.now_s = 1.0
    assert dating.ready() == [None]
    assert dating.add(2, None) == [None]
    assert dating.add(3, 70) == [70]
    assert dating.add(4, None) == [70]


def test_a_segment_waits_for_its_first_and_all_behind_it() -> None:
    """Within the bound it takes its group's time; afterwards that of the packet before it."""
    dating = Dating()
    assert dating.add(1, 70) == [70]
    assert dating.add(3, None, LAST) == dating.add(9, 72) == []
    assert dating.add(2, 71, FIRST) == [71, 72, 71]
    assert dating.add(6, None, LAST) == []
    dating.now_s = 0.5
    assert dating.add(8, None, LAST) == []
    dating.now_s = 1.0
    assert dating.ready() == [71]
    assert dating.add(7, 75, FIRST) == [75, 75]


def test_no_more_is_held_than_the_limit_and_nothing_at_the_end() -> None:
    """A fast source has not the time to fill the memory."""
    dating = Dating()
    found = [at_ns for sequence in range(HELD_MAX + 1) for at_ns in dating.add(sequence, None)]
    assert found == [None] * (HELD_MAX + 1)
    dating = Dating()
    assert dating.add(1, None) == []
    assert dating.ready(is_end=True) == [None]
    assert dating.dating.wait_s is None


def test_what_stands_between_packets_keeps_its_place() -> None:
    """In a recording, where the first time is known and nothing is waited for by a clock."""
    dating: PacketDating[str] = PacketDating(70)
    joiner = SegmentJoiner()
    found: list[object] = []

    def add(item: PacketContent | str) -> None:
        dating.add(item)
        found.extend(one if isinstance(one, str) else one.at_ns for one in dating.ready())

    def segment(sequence: int, time_ns: int | None, flags: int) -> PacketContent:
        one = Packet(0, _segment(sequence, flags))
        return PacketContent(one, time_ns, group=joiner.add(one, time_ns))

    add(PacketContent(Packet(0, packet(30, 1, b"body")), None))
    add("damage")
    assert found == [70, "damage"] and dating.wait_s is None
    add(segment(3, None, LAST))
    add("more damage")
    assert found == [70, "damage"] and dating.wait_s is None
    add(segment(2, 90, FIRST))
    assert found == [70, "damage", 90, "more damage", 90]
    add(segment(9, None, LAST))
    add("the last")
    assert found[5:] == []
    ended = list(dating.ready(is_end=True))
    assert [one if isinstance(one, str) else one.content.time_ns for one in ended] == [
        None,
        "the last",
    ]
    assert [one.at_ns for one in ended if not isinstance(one, str)] == [90]
