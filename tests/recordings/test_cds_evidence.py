"""Whether secondary headers are CDS times: never because some bytes happen to fit."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable

import pytest

from nova.recordings import cds
from nova.recordings.cds_evidence import CdsEvidence
from nova.recordings.packets import Packet
from nova.sdk import timestamps
from tests.laws import some_of
from tests.recordings.packet_files import packet

NOW = timestamps.parse("2026-03-02T00:00:00Z")
START = timestamps.parse("2026-03-01T02:16:27.25Z")


def taken(headers: Iterable[bytes], apid: int = 50, body: bytes = b"\0\7") -> bool:
    """Whether the headers of one APID are taken for CDS."""
    evidence = CdsEvidence(NOW)
    for number, header in enumerate(headers):
        data = packet(apid, number % 16384, header + body, secondary=True)
        evidence.add(Packet(0, data))
    return bool(evidence.sources())


@pytest.mark.parametrize("order", [1, -1, 0])
def test_times_are_taken_at_any_cadence(order: int) -> None:
    """From 10 Hz to one an hour, in any order and with gaps."""
    for cadence_s in (0.1, 0.125, 1 / 3, 1, 2, 10, 30, 60, 600, 3600):
        times = [START + int(number * cadence_s * 10**9) for number in range(60) if number % 20 > 3]
        times.sort(reverse=order < 0)
        if not order:
            random.Random(1).shuffle(times)
        assert taken(cds.encode(ns) for ns in times), cadence_s


def test_times_are_taken_without_a_cadence() -> None:
    """Microseconds of all kinds, or a midnight, are what no other code has."""
    chance = random.Random(2)
    irregular = [START + chance.randrange(3600 * 10**9) for _ in range(30)]
    assert taken(cds.encode(ns) for ns in irregular)
    assert taken(cds.encode(ns // 10**9 * 10**9 + 891_000) for ns in [START] * 3)
    milli = [START + 22 * 3600 * 10**9 + chance.randrange(60_000) * 10**6 for _ in range(30)]
    assert not taken(cds.encode(ns) for ns in milli)
    days = sorted(START + chance.randrange(86_400_000) * 10**6 for _ in range(60))
    assert taken(cds.encode(ns) for ns in days)


def test_few_headers_that_fit_are_no_evidence() -> None:
    """One or two, or several of one instant in whole milliseconds, may be seconds as well."""
    for count in (1, 2, 5):
        assert not taken([cds.encode(START)] * count)


@pytest.mark.parametrize("rest", [0, 1, 2, 3])
@pytest.mark.parametrize("jitter_s", [0, 0.003])
def test_seconds_with_a_fraction_are_no_days(rest: int, jitter_s: float) -> None:
    """CUC 4+2 that fits whole minutes long, before a status, a byte, a count, or noise below
    1,000. Before, 600 packets of December 2025 were dated July 2018.
    """
    for rate_hz in (0.02, 0.1, 0.5, 1, 2, 3, 4, 5, 7, 8, 10, 16, 25, 50, 64, 100):
        assert not taken(seconds_with_a_fraction(rate_hz, rest, jitter_s)), rate_hz


def seconds_with_a_fraction(rate_hz: float, rest: int, jitter_s: float) -> list[bytes]:
    """Headers of 600 packets."""
    chance = random.Random(int(rate_hz * 100))
    headers = []
    for number in range(600):
        at_s = number / rate_hz + chance.uniform(0, min(jitter_s, 0.1 / rate_hz))
        behind = (0, chance.randrange(256), number % 1000, chance.randrange(1000))[rest]
        if at_s < 1300:
            time = (0x566C0010 << 16) + int(at_s * 65536)
            headers.append(time.to_bytes(6) + behind.to_bytes(2))
    return headers


def test_few_bad_headers_and_unset_clocks_do_not_decide() -> None:
    """One in twenty is damaged; a clock that nobody has set counts from 1958."""
    good = [cds.encode(START + number * 10**9) for number in range(20)]
    assert taken([*good[:7], b"\xff" * 8, *good[8:]])
    unset = [cds.encode(cds.decode(bytes(8)) or 0) for _ in range(20)]
    assert taken([one for pair in zip(good, unset, strict=True) for one in pair])
    assert not taken(unset)


@pytest.mark.parametrize("epoch", ["1958-01-01", "1970-01-01", "1980-01-06", "2000-01-01"])
@pytest.mark.parametrize("rest", [b"\0\0\1\2", b"\0\0\0\0", b"\x80\0\1\2"])
def test_seconds_are_no_days(epoch: str, rest: bytes) -> None:
    """Counters of seconds, wherever their low half stands: also where all of it fits."""
    begin_s = (START - timestamps.parse(f"{epoch}T00:00:00Z")) // 10**9
    for first_s in (begin_s, begin_s // 65536 * 65536, begin_s // 65536 * 65536 - 6):
        assert not taken((first_s + number).to_bytes(4) + rest for number in range(12))


@pytest.mark.parametrize(
    "form",
    ["2003190000000080", "0000000000000000", "ffffffffffffffff", "10011900", "5a45"],
)
def test_constants_are_no_times(form: str) -> None:
    """PUS headers, zeros, ones, and headers that are shorter than a time."""
    assert not taken([bytes.fromhex(form)] * 40, body=b"\0")


@pytest.mark.parametrize("seed", some_of(range(20), 4))
def test_noise_is_no_time(seed: int) -> None:
    """Random bytes, and small numbers of all widths."""
    chance = random.Random(seed)
    assert not taken(chance.randbytes(8) for _ in range(10))
    assert not taken(
        struct.pack(">HHHH", *(chance.randrange(300) for _ in range(4))) for _ in "ab" * 9
    )


def test_each_source_for_itself() -> None:
    """One APID has times, another a header of its own: that one's packets have none."""
    evidence = CdsEvidence(NOW)
    for number in range(20):
        header = cds.encode(START + number * 10**9)
        evidence.add(Packet(0, packet(50, number, header + b"x", secondary=True)))
        evidence.add(Packet(0, packet(51, number, b"\x20\x03\x19" + header, secondary=True)))
    evidence.add(Packet(0, packet(52, 0, cds.encode(START) + b"x", secondary=True)))
    evidence.add(Packet(0, packet(53, 0, cds.encode(START - 10**18) + b"x", secondary=True)))
    assert evidence.sources() == {50, 52}
    assert "42 secondary headers" in evidence.summary()
