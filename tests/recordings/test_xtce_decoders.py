"""Compiled decoders: the same as the library to the last bit, for any definition and packet."""

from __future__ import annotations

import logging
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.recordings.xtce import XtceDefinition
from nova.recordings.xtce_decoders import DecodedPacket
from tests.laws import law
from tests.recordings.packet_files import APID, housekeeping, packet, xtce_file
from tests.recordings.xtce_drawn import APIDS, definitions

PACKETS = 30
BODY_MAX_BYTES = 90
SPECIAL = (
    b"\0",
    b"\xff",
    b"\x7f\x80\0\0",
    b"\xff\xc0\0\1",
    b"\x7f\xf0" + bytes(6),
    b"\0\x01A\0\x02",
)
"""Repeated they are numbers at the ends of their range, infinities, NaN and short texts."""


def body(drawn: random.Random) -> bytes:
    """The content of a packet."""
    if drawn.randrange(3):
        return drawn.randbytes(drawn.randrange(1, BODY_MAX_BYTES))
    return (drawn.choice(SPECIAL) * BODY_MAX_BYTES)[drawn.randrange(8) : BODY_MAX_BYTES]


def shown(found: DecodedPacket | None) -> str:
    """All of a decoded packet: kinds of values, bits of floats, order of fields."""
    return repr(found)


@law(60)
@given(definitions(), st.integers(0, 2**32))
def test_compiled_is_as_the_library(text: str, seed: int) -> None:
    """Fields, their order and notes; also of packets that end early or that no container takes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drawn.xml"
        path.write_text(text)
        definition = XtceDefinition(path)
    drawn = random.Random(seed)
    for number in range(PACKETS):
        made = packet(drawn.choice(APIDS), number % 3, body(drawn))
        expected = definition.decode_by_library(made)
        assert shown(definition.decode(made)) == shown(expected), text


def test_fields_are_where_their_places_say(tmp_path: Path) -> None:
    """Of the whole packet, header included; behind a field of any size nothing has a place."""
    sized = (
        '<BinaryParameterType name="T"><BinaryDataEncoding><SizeInBits><DynamicValue>'
        '<ParameterInstanceRef parameterRef="N"/></DynamicValue></SizeInBits>'
        "</BinaryDataEncoding></BinaryParameterType>"
    )
    definition = XtceDefinition(
        xtce_file(tmp_path, [("N", "U16"), ("X", "T"), ("B", "U16")], sized)
    )
    made = packet(APID, 77, housekeeping(1_000_000) + bytes.fromhex("0010abcd0007"))
    found = definition.decode(made)
    assert found is not None and found.fields["B"] == 7
    places = definition.places(found.container)
    assert set(places) == set(found.fields) - {"X", "B"}
    whole = int.from_bytes(made)
    for name, (begin, bits) in places.items():
        value = whole >> (8 * len(made) - begin - bits) & ((1 << bits) - 1)
        assert value == found.fields[name], name


def test_all_narrow_floats(tmp_path: Path) -> None:
    """The decimals of 16 and 32 bit floats, above all of powers of two and their neighbours."""
    kinds = "".join(
        f'<FloatParameterType name="F{bits}"><FloatDataEncoding sizeInBits="{bits}"/>'
        "</FloatParameterType>"
        for bits in (16, 32)
    )
    fields = [("A", "F16"), ("B", "F32"), ("C", "F32"), ("D", "F32")]
    definition = XtceDefinition(xtce_file(tmp_path, fields, kinds))
    for exponent in range(256):
        for half in (0, 0x80):
            near = [(exponent << 23) + step & 0xFFFFFFFF for step in (-1, 0, 1)]
            floats = (exponent << 8 | half).to_bytes(2) + b"".join(one.to_bytes(4) for one in near)
            made = packet(42, 0, housekeeping(1) + floats)
            assert shown(definition.decode(made)) == shown(definition.decode_by_library(made))


def test_container_without_fixed_places_is_left_to_the_library(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is decoded all the same, and the log says so once."""
    sized = (
        '<BinaryParameterType name="T"><BinaryDataEncoding><SizeInBits><DynamicValue>'
        '<ParameterInstanceRef parameterRef="N"/></DynamicValue></SizeInBits>'
        "</BinaryDataEncoding></BinaryParameterType>"
    )
    definition = XtceDefinition(xtce_file(tmp_path, [("N", "U16"), ("X", "T")], sized))
    made = packet(42, 0, housekeeping(7) + bytes.fromhex("0010abcd"))
    with caplog.at_level(logging.INFO):
        found = [definition.decode(made) for _ in range(3)]
    assert found[0] is not None
    assert found[0].fields["X"] == "abcd"
    assert found == [found[0]] * 3
    assert [vars(one)["context"] for one in caplog.records] == [
        {"container": "HK", "reason": "X has no fixed size"}
    ]
