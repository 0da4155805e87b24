"""Codes of CCSDS 131.0-B beside its published generator and a real downlink."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from nova.recordings.frame_format import UNCORRECTABLE, derandomized, parse_frame_format
from nova.recordings.frame_packets import framed_packets
from nova.recordings.packets import Packet, PacketDamage
from nova.recordings.recording import RecordingError
from nova.recordings.reed_solomon import (
    FIELD,
    FROM_DUAL,
    ROOT,
    TO_DUAL,
    corrected,
    interleave_of,
)
from nova.sdk.optional_imports import import_optional

DOWNLINK = "frames/snpp_synchronized_cadus.dat"
UNIT_BYTES, FRAME_BYTES, MARK_BYTES = 1024, 892, 4
LOGARITHMS = (0, 249, 59, 66, 4, 43, 126, 251, 97, 30, 3, 213, 50, 66, 170, 5, 24)
"""The generator of E = 16 as powers of alpha, up to its middle: the rest is the same backwards."""


def codec(correctable: int) -> Any:
    """The usual, non-dual code of the library."""
    return import_optional("reedsolo").RSCodec(
        2 * correctable, 255, fcr=128 - correctable, prim=FIELD, generator=ROOT
    )


def encoded(frame: bytes, interleave: int, correctable: int) -> bytes:
    """A frame with its check symbols."""
    words = [frame[first::interleave].translate(FROM_DUAL) for first in range(interleave)]
    coder = codec(correctable)
    checks = [bytes(coder.encode(word))[len(word) :].translate(TO_DUAL) for word in words]
    return frame + bytes(byte for column in zip(*checks, strict=True) for byte in column)


def with_errors(block: bytes, interleave: int, count: int, seed: int = 1) -> bytes:
    """A block with a number of wrong bytes in each codeword."""
    found, generator = bytearray(block), Random(seed)
    for first in range(interleave):
        for place in generator.sample(range(first, len(block), interleave), count):
            found[place] ^= generator.randint(1, 255)
    return bytes(found)


def test_the_generator_is_that_of_the_standard() -> None:
    powers = [1]
    for _ in range(254):
        powers.append(powers[-1] << 1 ^ FIELD * (powers[-1] >> 7))
    assert powers[11] == ROOT
    generator = import_optional("reedsolo")
    generator.init_tables(prim=FIELD, generator=ROOT)
    found = list(generator.rs_generator_poly(32, fcr=112, generator=ROOT))
    half = [powers[one] for one in LOGARITHMS]
    assert found == half + half[-2::-1]


@pytest.mark.parametrize(
    ("interleave", "correctable", "frame_bytes"),
    [
        (1, 16, 223),
        (2, 16, 446),
        (3, 16, 300),
        (4, 16, 892),
        (5, 16, 1115),
        (8, 8, 1912),
        (1, 8, 100),
    ],
)
def test_errors_are_corrected(interleave: int, correctable: int, frame_bytes: int) -> None:
    """As many as the code can, in each codeword, shortened too; with more there is no frame."""
    frame = Random(interleave).randbytes(frame_bytes)
    block = encoded(frame, interleave, correctable)
    assert interleave_of(frame_bytes, len(block) - frame_bytes, correctable) == interleave
    assert corrected(block, interleave, correctable) == block
    for count in (1, correctable):
        damaged = with_errors(block, interleave, count)
        assert corrected(damaged, interleave, correctable) == block
    assert (
        corrected(with_errors(block, interleave, 2 * correctable), interleave, correctable) is None
    )


def test_a_real_downlink(recordings: Path, tmp_path: Path) -> None:
    """All of its codewords are valid; with 16 wrong bytes in each its packets are the same, and a
    frame with more is one problem.
    """
    data = (recordings / DOWNLINK).read_bytes()[: 20 * UNIT_BYTES]
    blocks = [data[at + MARK_BYTES : at + UNIT_BYTES] for at in range(0, len(data), UNIT_BYTES)]
    for block in blocks:
        plain = derandomized(block)
        assert corrected(plain, 4, 16) == plain
    damaged = [with_errors(one, 4, 16, seed) for seed, one in enumerate(blocks)]
    found = packets_of(tmp_path, damaged)
    assert found == packets_of(tmp_path, blocks)
    assert len(found) >= 5
    assert UNCORRECTABLE not in reasons(found)
    damaged[5] = with_errors(blocks[5], 4, 40)
    assert reasons(packets_of(tmp_path, damaged)).count(UNCORRECTABLE) == 1


def reasons(found: list[Packet | PacketDamage]) -> list[str]:
    return [one.reason for one in found if isinstance(one, PacketDamage)]


def packets_of(folder: Path, blocks: list[bytes]) -> list[Packet | PacketDamage]:
    path = folder / "pass.cadu"
    path.write_bytes(b"".join(bytes.fromhex("1acffc1d") + block for block in blocks))
    layout = parse_frame_format("aos:892,random,rs=128,correct=16")
    with path.open("rb") as file:
        return list(framed_packets(file, layout))


@pytest.mark.parametrize(
    "text",
    [
        *("aos:892,rs=128,correct=12", "aos:892,rs=100,correct=16", "aos:892,correct=16"),
        *("aos:893,rs=128,correct=16", "tm:1200,rs=160,correct=16"),
    ],
)
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(RecordingError, match="no code of CCSDS"):
        parse_frame_format(text)
