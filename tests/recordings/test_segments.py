"""Segments, joined by source and count in any order near to theirs."""

from __future__ import annotations

import random

import pytest

from nova.recordings.packets import CONTINUATION, FIRST, LAST, Packet
from nova.recordings.segments import SegmentGroup, SegmentJoiner
from tests.laws import some_of
from tests.recordings.packet_files import packet


def group(apid: int, first: int, size: int) -> list[Packet]:
    """The segments of one message, each with its own byte."""
    flags = [FIRST, *[CONTINUATION] * (size - 2), LAST]
    return [
        Packet(0, packet(apid, (first + number) % 16384, bytes([number % 256]), flags=flag))
        for number, flag in enumerate(flags)
    ]


def joined(made: list[Packet]) -> tuple[list[bytes], list[SegmentGroup]]:
    """The whole groups in order, and those that stayed incomplete."""
    held = SegmentJoiner()
    whole = []
    for one in made:
        found = held.add(one, one.sequence)
        whole += [found.join(0)] if found.is_whole else []
    held.abandon_all()
    return whole, list(held.take_abandoned())


@pytest.mark.parametrize("seed", some_of(range(10), 3))
def test_any_order_and_repetition(seed: int) -> None:
    """Two sources at once, over the end of the counts, shifted by up to 20 places and doubled."""
    chance = random.Random(seed)
    wanted = [group(apid, 16370 + start, 7) for apid in (5, 9) for start in range(0, 70, 7)]
    made = [(place, one) for place, one in enumerate(one for each in wanted for one in each)]
    made.sort(key=lambda pair: pair[0] + chance.random() * 20)
    whole, left = joined([one for _, one in made])
    assert sorted(whole) == sorted(SegmentGroup(each).join(0) for each in wanted)
    assert left == []
    assert all(len(one) == 6 + 7 for one in whole)


def test_joined_is_the_first_with_the_data_of_all() -> None:
    """Its header stays; secondary headers of others are left out where their size is known."""
    made = [
        Packet(0, packet(5, number, bytes([number] * 10), secondary=True, flags=flags))
        for number, flags in enumerate((FIRST, CONTINUATION, LAST))
    ]
    one = SegmentGroup(made).join(8)
    assert one == made[0].data + b"\1\1\2\2"


@pytest.mark.parametrize("lost", range(4))
def test_lost_segment_is_never_bridged(lost: int) -> None:
    """Whatever is missing, nothing is joined, also not with the next group."""
    made = group(5, 10, 4)
    whole, left = joined(made[:lost] + made[lost + 1 :] + group(5, 14, 3))
    assert whole == [SegmentGroup(group(5, 14, 3)).join(0)]
    assert sum(len(one.packets) for one in left) == 3


def test_other_bytes_under_the_same_count_begin_anew() -> None:
    """Counts come round: what was left of the last round is no part of this one."""
    old, new = group(5, 10, 3), group(5, 10, 3)
    new[0] = Packet(0, packet(5, 10, b"other", flags=FIRST))
    whole, left = joined([old[0], *new])
    assert whole == [SegmentGroup(new).join(0)]
    assert [one.packets for one in left] == [[old[0]]]


def test_a_segment_that_comes_twice_is_one() -> None:
    """Also the first and the last."""
    made = group(5, 10, 4)
    doubled = [made[0], made[0], made[1], made[1], made[2], made[1], made[3]]
    assert joined(doubled) == ([SegmentGroup(made).join(0)], [])


def test_group_that_is_overtaken_is_abandoned() -> None:
    """Reported once, when others are too far ahead."""
    held = SegmentJoiner()
    first = group(5, 0, 3)[0]
    held.add(first, None)
    held.abandon_overtaken(Packet(0, packet(5, 200, b"x")))
    assert list(held.take_abandoned()) == []
    held.abandon_overtaken(Packet(0, packet(5, 300, b"x")))
    assert [one.packets for one in held.take_abandoned()] == [[first]]
    assert list(held.take_abandoned()) == []


def test_what_is_held_is_bounded() -> None:
    """By bytes and by groups of a source; the oldest goes first."""
    held = SegmentJoiner(held_max_bytes=1000)
    for apid in range(300):
        held.add(group(apid, 0, 3)[0], None)
    assert len(list(held.take_abandoned())) == 300 - 1000 // 7
    for count in range(0, 200, 2):
        held.add(Packet(0, packet(7, count, b"x", flags=CONTINUATION)), None)
    held.abandon_all()
    assert len({id(one) for one in held.take_abandoned()}) == 1000 // 7 + 100
