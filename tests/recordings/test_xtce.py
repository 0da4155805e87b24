"""XTCE definitions: fields as JSON can say them, and errors that say what to give."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.recordings.recording import RecordingError
from nova.recordings.xtce import XtceDefinition
from nova.recordings.xtce_decoders import NOT_FINITE
from nova.recordings.xtce_fields import AS_HEX, CUT_SHORT, RAW_VALUE
from nova.recordings.xtce_values import SAFE_INTEGER_MAX, json_value
from nova.sdk.events.canonical import canonical_json
from nova.sdk.optional_imports import import_optional
from tests.made_packets import ORBIT_FIELDS, orbit_packets
from tests.recordings.packet_files import housekeeping, packet, xtce_file

JPSS = Path("ccsds/jpss1_geolocation_xtce_v1.xml")
FIRST_PACKET_BYTES = 71


def jpss_packet(recordings: Path) -> bytes:
    """The first packet of the JPSS-1 recording."""
    path = recordings / "ccsds/J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1"
    with path.open("rb") as file:
        return file.read(FIRST_PACKET_BYTES)


def test_decodes_a_real_packet(recordings: Path) -> None:
    """27 fields of the spacecraft's ephemeris, under the name of their container."""
    decoded = XtceDefinition(recordings / JPSS).decode(jpss_packet(recordings))
    assert decoded is not None
    assert decoded.container == "JPSS_ATT_EPHEM"
    assert len(decoded.fields) == 27
    assert decoded.fields["PKT_APID"] == 11
    assert decoded.fields["ADGPSPOSX"] == 6389695.5


def test_decodes_a_made_packet(made: Path) -> None:
    """Every field of header and body, under the name of its container."""
    decoded = XtceDefinition(made / "orbit.xml").decode(orbit_packets(1))
    assert decoded is not None
    assert decoded.container == "ORBIT"
    assert set(decoded.fields) > set(ORBIT_FIELDS)
    assert (decoded.fields["PKT_APID"], decoded.fields["ADGPSPOSX"]) == (11, 7_200_000.0)


def test_packet_without_a_whole_header_is_none(made: Path) -> None:
    """What no container describes is not decoded, and nothing is thrown."""
    assert XtceDefinition(made / "orbit.xml").decode(orbit_packets(1)[:1]) is None


@pytest.mark.parametrize("cut", [6, 30, 53])
def test_short_packet_keeps_the_fields_that_it_has(made: Path, cut: int) -> None:
    """Before, one missing byte took all fields, and with them the time."""
    definition, data = XtceDefinition(made / "orbit.xml"), orbit_packets(1)
    whole, short = definition.decode(data), definition.decode(data[:cut])
    assert whole is not None
    assert short is not None
    assert short.notes == (CUT_SHORT,)
    assert short.fields.items() < whole.fields.items()
    assert "PKT_APID" in short.fields


def test_unknown_apid_is_none(made: Path) -> None:
    """An APID that no container takes is not decoded."""
    data = orbit_packets(1)
    assert XtceDefinition(made / "orbit.xml").decode(data[:1] + b"\x0c" + data[2:]) is None


def test_wrong_root_names_the_right_ones(made: Path) -> None:
    """The error says which option to give, and what can stand there."""
    with pytest.raises(RecordingError, match=r"--root-container.*Telemetry"):
        XtceDefinition(made / "counter.xml")


def test_unknown_parameter_names_near_ones(made: Path) -> None:
    """A slip of the keys is answered with what was meant."""
    definition = XtceDefinition(made / "counter.xml", "Telemetry")
    definition.require_parameter("SHCOARSE")
    with pytest.raises(RecordingError, match="SHCOARSE"):
        definition.require_parameter("SHCORSE")


def test_file_that_is_no_xtce(tmp_path: Path) -> None:
    """Any other file is one clear error."""
    path = tmp_path / "no.xml"
    path.write_text("this is no XML")
    with pytest.raises(RecordingError, match="as XTCE"):
        XtceDefinition(path)


@given(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.binary(max_size=20),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        st.complex_numbers(),
    )
)
def test_every_value_has_a_canonical_form(value: object) -> None:
    """AMB-08: whatever a definition yields, its JSON form can be hashed; NaN is left out."""
    said = json_value(value)
    if isinstance(value, float) and not math.isfinite(value):
        assert said is None
    else:
        canonical_json({"value": said})


def test_values_say_what_they_are() -> None:
    """Bytes in hex, booleans as such, integers exact: as numbers while doubles hold them."""
    common = import_optional("space_packet_parser.common")
    assert json_value(common.BinaryParameter(b"\x01\xff")) == "01ff"
    assert json_value(common.BoolParameter(1)) is True
    assert json_value(common.StrParameter("ON")) == "ON"
    assert json_value(common.IntParameter(SAFE_INTEGER_MAX)) == SAFE_INTEGER_MAX
    assert json_value(common.IntParameter(SAFE_INTEGER_MAX + 1)) == "9007199254740992"
    assert type(json_value(common.FloatParameter(0.5))) is float


def integer(encoding: str, bits: int = 16, more: str = "") -> str:
    """An integer's type, named T."""
    coded = f'<IntegerDataEncoding sizeInBits="{bits}" encoding="{encoding}">{more}'
    return f'<IntegerParameterType name="T">{coded}</IntegerDataEncoding></IntegerParameterType>'


def real(encoding: str, bits: int) -> str:
    """A float's type, named T."""
    coded = f'<FloatDataEncoding sizeInBits="{bits}" encoding="{encoding}"/>'
    return f'<FloatParameterType name="T">{coded}</FloatParameterType>'


STATES = (
    '<EnumeratedParameterType name="T"><IntegerDataEncoding sizeInBits="8"/><EnumerationList>'
    '<Enumeration value="0" label="SAFE"/></EnumerationList></EnumeratedParameterType>'
)
REAL_STATES = (
    '<EnumeratedParameterType name="T"><FloatDataEncoding sizeInBits="32"/><EnumerationList>'
    '<Enumeration value="1.0" label="ONE"/></EnumerationList></EnumeratedParameterType>'
)
REAL_FLAG = (
    '<BooleanParameterType name="T"><FloatDataEncoding sizeInBits="32"/></BooleanParameterType>'
)
TEXT = (
    '<StringParameterType name="T"><StringDataEncoding encoding="UTF-8"><SizeInBits><Fixed>'
    "<FixedValue>24</FixedValue></Fixed></SizeInBits></StringDataEncoding></StringParameterType>"
)
SPLINE = (
    '<DefaultCalibrator><SplineCalibrator order="1"><SplinePoint raw="0" calibrated="0"/>'
    '<SplinePoint raw="10" calibrated="1"/></SplineCalibrator></DefaultCalibrator>'
)
SCALE = (
    "<DefaultCalibrator><PolynomialCalibrator>"
    '<Term exponent="1" coefficient="0.5"/></PolynomialCalibrator></DefaultCalibrator>'
)


@pytest.mark.parametrize(
    ("kind", "field", "value", "note"),
    [
        (STATES, "00", "SAFE", None),
        (STATES, "07", 7, RAW_VALUE),
        (REAL_STATES, "3f800000", "ONE", None),
        (REAL_FLAG, "3f800000", True, None),
        (TEXT, "414243", "ABC", None),
        (TEXT, "41ff43", "41ff43", AS_HEX),
        (integer("unsigned", more=SPLINE), "0005", 0.5, None),
        (integer("unsigned", more=SPLINE), "00ff", 255, RAW_VALUE),
        (integer("onesComplement"), "fffa", -5, None),
        (integer("onesComplement"), "0005", 5, None),
        (integer("onesComplement", more=SCALE), "fffa", -2.5, None),
        (integer("signMagnitude"), "8005", -5, None),
        (integer("signMagnitude"), "0005", 5, None),
        (integer("packedBCD"), "1234", "1234", None),
        (real("IEEE754", 16), "ae66", -0.1, None),
        (real("IEEE754", 32), "41a0147b", 20.01, None),
        (real("IEEE754", 64), "4034028f5c28f5c3", 20.01, None),
        (real("MILSTD_1750A", 32), "a0000000", -0.75, None),
        (real("MILSTD_1750A", 48), "a00000000000", "a00000000000", None),
        (real("IBM", 32), "c1100000", "c1100000", None),
        (real("IEEE754", 32), "7fc00000", None, NOT_FINITE),
        (real("IEEE754", 64), "fff0000000000000", None, NOT_FINITE),
        (integer("unsigned", 64), "ffffffffffffffff", "18446744073709551615", None),
    ],
)
def test_field_takes_no_other_with_it(
    tmp_path: Path, kind: str, field: str, value: object, note: str | None
) -> None:
    """Each is decoded, kept as number or hex, or said; what stands before and behind it stays."""
    path = xtce_file(tmp_path, [("X", "T"), ("LAST", "U16")], kind)
    found = XtceDefinition(path).decode(
        packet(42, 0, housekeeping(102) + bytes.fromhex(field + "0016"))
    )
    assert found is not None
    assert (found.container, found.fields["SECS"], found.fields["LAST"]) == ("HK", 102, 22)
    assert found.fields.get("X") == value
    assert found.notes == (() if note is None else (note,))


def test_size_that_another_field_decides_may_be_beyond_the_end(tmp_path: Path) -> None:
    """Nothing is known of what stands behind: the packet ends there."""
    sized = (
        '<BinaryParameterType name="T"><BinaryDataEncoding><SizeInBits><DynamicValue>'
        '<ParameterInstanceRef parameterRef="N"/></DynamicValue></SizeInBits>'
        "</BinaryDataEncoding></BinaryParameterType>"
    )
    path = xtce_file(tmp_path, [("N", "U16"), ("X", "T"), ("LAST", "U16")], sized)
    found = XtceDefinition(path).decode(
        packet(42, 0, housekeeping(102) + bytes.fromhex("ffff0016"))
    )
    assert found is not None
    assert (found.fields["SECS"], found.fields["N"], found.notes) == (102, 65535, (CUT_SHORT,))
    assert "LAST" not in found.fields
