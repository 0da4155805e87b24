"""XTCE definitions: fields as JSON can say them, and errors that say what to give."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdk.canonical import canonical_json
from sdk.formats.recording import RecordingError
from sdk.formats.xtce import SAFE_INTEGER_MAX, Definition, json_value
from sdk.libraries import library
from tests.made_packets import ORBIT_FIELDS, orbit_packets

JPSS = Path("ccsds/jpss1_geolocation_xtce_v1.xml")
FIRST_PACKET_BYTES = 71


def jpss_packet(recordings: Path) -> bytes:
    """The first packet of the JPSS-1 recording."""
    path = recordings / "ccsds/J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1"
    with path.open("rb") as file:
        return file.read(FIRST_PACKET_BYTES)


def test_decodes_a_real_packet(recordings: Path) -> None:
    """27 fields of the spacecraft's ephemeris, under the name of their container."""
    decoded = Definition(recordings / JPSS).decode(jpss_packet(recordings))
    assert decoded is not None
    assert decoded.container == "JPSS_ATT_EPHEM"
    assert len(decoded.fields) == 27
    assert decoded.fields["PKT_APID"] == 11
    assert decoded.fields["ADGPSPOSX"] == 6389695.5


def test_decodes_a_made_packet(made: Path) -> None:
    """Every field of header and body, under the name of its container."""
    decoded = Definition(made / "orbit.xml").decode(orbit_packets(1))
    assert decoded is not None
    assert decoded.container == "ORBIT"
    assert set(decoded.fields) > set(ORBIT_FIELDS)
    assert (decoded.fields["PKT_APID"], decoded.fields["ADGPSPOSX"]) == (11, 7_200_000.0)


@pytest.mark.parametrize("cut", [1, 6, 30, 53])
def test_packet_that_does_not_fit_is_none(made: Path, cut: int) -> None:
    """A packet too short for its definition is not decoded, and nothing is thrown."""
    assert Definition(made / "orbit.xml").decode(orbit_packets(1)[:cut]) is None


def test_unknown_apid_is_none(made: Path) -> None:
    """An APID that no container takes is not decoded."""
    data = orbit_packets(1)
    assert Definition(made / "orbit.xml").decode(data[:1] + b"\x0c" + data[2:]) is None


def test_wrong_root_names_the_right_ones(made: Path) -> None:
    """The error says which option to give, and what can stand there."""
    with pytest.raises(RecordingError, match=r"--root-container.*Telemetry"):
        Definition(made / "counter.xml")


def test_unknown_parameter_names_near_ones(made: Path) -> None:
    """A slip of the keys is answered with what was meant."""
    definition = Definition(made / "counter.xml", "Telemetry")
    definition.require("SHCOARSE")
    with pytest.raises(RecordingError, match="SHCOARSE"):
        definition.require("SHCORSE")


def test_file_that_is_no_xtce(tmp_path: Path) -> None:
    """Any other file is one clear error."""
    path = tmp_path / "no.xml"
    path.write_text("this is no XML")
    with pytest.raises(RecordingError, match="as XTCE"):
        Definition(path)


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
    common = library("space_packet_parser.common")
    assert json_value(common.BinaryParameter(b"\x01\xff")) == "01ff"
    assert json_value(common.BoolParameter(1)) is True
    assert json_value(common.StrParameter("ON")) == "ON"
    assert json_value(common.IntParameter(SAFE_INTEGER_MAX)) == SAFE_INTEGER_MAX
    assert json_value(common.IntParameter(SAFE_INTEGER_MAX + 1)) == "9007199254740992"
    assert type(json_value(common.FloatParameter(0.5))) is float
