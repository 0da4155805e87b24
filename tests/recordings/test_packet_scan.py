"""Packets among other bytes: found again behind garbage, zeros, prefixes and cuts."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.recordings import cds
from nova.recordings.packet_file import scan_packets
from nova.recordings.packet_scan import PacketScanner
from nova.recordings.packets import CONTINUATION, FIRST, LAST, WHOLE, Packet, PacketDamage
from tests.laws import some_of
from tests.recordings.packet_files import packet

APIDS = (11, 50, 1201)


def stream(seed: int, count: int = 40, flags: int = WHOLE) -> list[bytes]:
    """Packets of some APIDs, each with its own counts and random bodies."""
    chance = random.Random(seed)
    counts = {apid: chance.randrange(16384) for apid in APIDS}
    made = []
    for _ in range(count):
        apid = chance.choice(APIDS)
        body = chance.randbytes(chance.randrange(1, 300))
        made.append(packet(apid, counts[apid], body, secondary=True, flags=flags))
        counts[apid] = (counts[apid] + 1) % 16384
    return made


def read(data: bytes) -> tuple[list[bytes], list[tuple[int, int]]]:
    """The packets of a file, and the places and sizes of what is none; together they are it."""
    found = list(scan_packets(BytesIO(data)))
    at = 0
    for one in found:
        assert one.offset_bytes == at
        at = one.end_bytes
    assert at == len(data)
    damage = [(one.offset_bytes, one.size_bytes) for one in found if isinstance(one, PacketDamage)]
    return [one.data for one in found if isinstance(one, Packet)], damage


def heard(data: bytes, chance: random.Random) -> Iterator[Packet | PacketDamage]:
    """The same as it comes over a stream, in pieces."""
    scanner = PacketScanner(eager=True)
    at = 0
    while at < len(data):
        size = chance.randrange(1, 500)
        yield from scanner.feed(data[at : at + size])
        at += size
    yield from scanner.feed(b"", is_end=True)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2047),
            st.integers(0, 16383),
            st.binary(min_size=1, max_size=40),
            st.booleans(),
        ),
        min_size=1,
        max_size=12,
    ),
    st.data(),
)
def test_every_packet_before_a_cut_is_read(
    wanted: list[tuple[int, int, bytes, bool]], data: st.DataObject
) -> None:
    """Cut a file anywhere: what is whole comes out, and the cut is named by its offset."""
    written = [
        packet(apid, count, body, secondary=secondary) for apid, count, body, secondary in wanted
    ]
    whole = b"".join(written)
    ends = [0, *accumulate(len(one) for one in written)]
    cut = data.draw(st.integers(0, len(whole)))
    found = list(scan_packets(BytesIO(whole[:cut])))
    complete = sum(end <= cut for end in ends[1:])
    assert [one.data for one in found if isinstance(one, Packet)] == written[:complete]
    damage = [one.offset_bytes for one in found if isinstance(one, PacketDamage)]
    assert damage == ([] if cut in ends else [ends[complete]])


@pytest.mark.parametrize("seed", some_of(range(12), 3))
def test_every_packet_is_found_behind_garbage(seed: int) -> None:
    """Before, the first bytes that are no packet ended the reading: 5 of 40."""
    chance = random.Random(seed)
    made = stream(seed)
    planted = {}
    for place in chance.sample(range(20, len(made)), 6):
        size = chance.choice((1, 3, 4, 17, 400, 5000))
        planted[place] = chance.choice((chance.randbytes(size), bytes(size), b"\xff" * size))
    data = b"".join(planted.get(place, b"") + one for place, one in enumerate(made))
    found, damage = read(data)
    assert found == made
    assert sum(size for _, size in damage) == sum(map(len, planted.values()))
    told = list(heard(data, chance))
    assert [one.data for one in told if isinstance(one, Packet)] == made
    assert b"".join(one.data for one in told) == data


@pytest.mark.parametrize("seed", some_of(range(12), 3))
def test_lost_bytes_cost_the_packet_that_lost_them(seed: int) -> None:
    """A hole in one packet is no reason to lose the next, though its length leads into it."""
    chance = random.Random(seed)
    made = stream(seed)
    hurt = chance.randrange(5, 35)
    cut = chance.randrange(6, len(made[hurt]))
    data = b"".join(one[:cut] if place == hurt else one for place, one in enumerate(made))
    found, damage = read(data)
    assert found == made[:hurt] + made[hurt + 1 :]
    assert damage == [(sum(map(len, made[:hurt])), cut)]


@pytest.mark.parametrize("flags", [CONTINUATION, FIRST, LAST, WHOLE])
def test_zeros_are_no_packets(flags: int) -> None:
    """A file that was filled up: before, 73 packets of APID 0."""
    made = stream(1, flags=flags)
    data = b"".join(made)
    assert read(data + bytes(512)) == (made, [(len(data), 512)])
    assert read(bytes(4096)) == ([], [(0, 4096)])


@pytest.mark.parametrize("flags", some_of([WHOLE, CONTINUATION, FIRST, LAST], 1))
def test_megabytes_of_zeros_are_no_packets(flags: int) -> None:
    """Over many pieces of a file."""
    made = stream(1, flags=flags)
    data = b"".join(made)
    assert read(data + bytes(3_000_000)) == (made, [(len(data), 3_000_000)])


@pytest.mark.parametrize(
    "prefix", [b"\x1a\xcf\xfc\x1d", b"\xff" * 4, bytes(8), b"\x00\x00\x01\x2c"]
)
def test_what_stands_before_each_packet_is_skipped(prefix: bytes) -> None:
    """Synchronisation marks and record headers of ground stations."""
    made = stream(2)
    data = b"".join(prefix + one for one in made)
    found, damage = read(data)
    assert found == made
    assert [size for _, size in damage] == [len(prefix)] * len(made)


def test_noise_is_no_packets() -> None:
    """Random bytes that begin as no packet does."""
    noise = b"\xff" + random.Random(3).randbytes(100_000)
    assert read(noise) == ([], [(0, len(noise))])
    table = b"".join(number.to_bytes(4) for number in range(5_000))
    assert read(b"\xff" * 5 + table)[0] == []


def test_a_stream_is_told_as_soon_as_it_is_whole() -> None:
    """Who listens does not wait for the next packet, nor for the end of what surely is none."""
    scanner = PacketScanner(eager=True)
    first, second = stream(4, 2)
    assert [one.data for one in scanner.feed(first)] == [first]
    assert list(scanner.feed(second[:-1])) == []
    assert [one.data for one in scanner.feed(second[-1:] + b"\xff\xffgarbage")] == [
        second,
        b"\xff\xffgarbage",
    ]


@pytest.mark.parametrize("size", [0, 1, 5, 6, 7])
def test_almost_nothing(size: int) -> None:
    """The smallest files: nothing, half a header, a header alone, a packet of one byte."""
    data = packet(5, 1, b"a")[:size]
    assert read(data) == (([data], []) if size == 7 else ([], [(0, size)] if size else []))


def counting(count: int) -> list[bytes]:
    """Packets of small numbers, within which much looks like a header."""
    return [
        packet(
            APIDS[at % 3], 100 + at // 3, cds.encode(NOON_NS + at * 10**7) + bytes(3) + bytes([at])
        )
        for at in range(count)
    ]


NOON_NS = 1_795_694_400 * 10**9


@pytest.mark.parametrize("is_live", [False, True])
def test_a_begin_within_a_packet_gives_no_false_one(is_live: bool) -> None:
    """Wherever it is cut; the begin was believed with a header alone."""
    sent = counting(60)
    whole = b"".join(sent)
    for cut in range(1, len(sent[0])):
        data = whole[cut:]
        found = heard(data, random.Random(cut)) if is_live else scan_packets(BytesIO(data))
        assert [one.data for one in found if isinstance(one, Packet)] == sent[1:]


def test_a_live_begin_does_not_wait_for_a_second_packet() -> None:
    """One packet that has come whole is given at once, also behind one that came in pieces."""
    one, other = counting(2)
    scanner = PacketScanner(eager=True)
    assert [found.data for found in scanner.feed(one)] == [one]
    assert [found.data for found in scanner.feed(other)] == [other]
    scanner = PacketScanner(eager=True)
    assert not list(scanner.feed(one + other[:5]))
    assert [found.data for found in scanner.feed(other[5:])] == [one, other]


@pytest.mark.parametrize("behind", [b"", bytes(500), b"\x08"])
def test_a_file_of_packets_without_successors(behind: bytes) -> None:
    """They are read as they fill the file, but for padding or a cut."""
    sent = counting(3)
    packets, _ = read(b"".join(sent) + behind)
    assert packets == sent


COUNTS: dict[str, Callable[[int], int]] = {
    "stuck at 0": lambda number: 0,
    "stuck": lambda number: 777,
    "in steps of 2": lambda number: 2 * number + 301,
    "falling": lambda number: 9_000 - number,
}


def uncounted(kind: str, apids: tuple[int, ...], count: int = 100) -> list[bytes]:
    """Packets whose counts do not rise by one, with random bodies of random sizes."""
    chance = random.Random(kind)
    return [
        packet(
            apids[at % len(apids)],
            COUNTS[kind](at),
            chance.randbytes(chance.randrange(10, 60)),
            secondary=True,
        )
        for at in range(count)
    ]


@pytest.mark.parametrize("apids", [(100,), APIDS])
@pytest.mark.parametrize("kind", COUNTS)
def test_a_stray_byte_costs_no_packet_without_counts(kind: str, apids: tuple[int, ...]) -> None:
    """Between packets or before all of them. All behind it was lost, or the file refused."""
    made = uncounted(kind, apids)
    for place in (0, 10):
        data = b"".join(made[:place]) + b"\xff" + b"".join(made[place:])
        assert read(data) == (made, [(sum(map(len, made[:place])), 1)])


@pytest.mark.parametrize("kind", COUNTS)
def test_prefixes_cost_no_packet_without_counts(kind: str) -> None:
    """A mark, or the length as of record headers; nearly all was lost."""
    made = uncounted(kind, (100,))
    for prefixes in ([b"\x1a\xcf\xfc\x1d"] * len(made), [len(one).to_bytes(4) for one in made]):
        data = b"".join(prefix + one for prefix, one in zip(prefixes, made, strict=True))
        found, damage = read(data)
        assert found == made
        assert [size for _, size in damage] == [4] * len(made)


@pytest.mark.parametrize("seed", some_of(range(4), 2))
def test_noise_holds_no_packets_without_counts(seed: int) -> None:
    """Known APIDs that noise contains by chance, also where a length leads into true packets."""
    made = uncounted("stuck", APIDS)
    chance = random.Random(seed)
    noise = bytearray(b"\xff" + chance.randbytes(30_000))
    size = len(noise)
    for at in range(100, size, 500):
        noise[at : at + 6] = packet(APIDS[at % 3], 777, bytes(size - at + 300), secondary=True)[:6]
    data = b"".join(made[:50]) + bytes(noise) + b"".join(made[50:])
    found, damage = read(data)
    assert found == made
    assert [length for _, length in damage] == [size]
