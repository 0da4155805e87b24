"""NMEA sentences: fields, positions, times of day."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdk.canonical import canonical_json
from sdk.formats.sentence import UNKNOWN, Source, decode, source_of, split_binary, time_of_day

RMC = b"$GPRMC,094737,A,5251.0093,N,00518.8170,E,5.6,230.5,200818,1.4,E,A*1F\r\n"
GGA = b"$GPGGA,094736,5251.0094,S,00518.8172,W,1,12,0.60,-4,M,46.8,M,,*44\r\n"
ZDA = b"$GPZDA,094737,20,08,2018,-01,00*6B\r\n"


def test_rmc_has_fields_position_time_and_date() -> None:
    """Numbers are numbers, times stay as they are written."""
    sentence = decode(RMC)
    assert sentence is not None
    assert sentence.fields["talker"] == "GP"
    assert sentence.fields["spd_over_grnd"] == 5.6
    assert sentence.fields["timestamp"] == "094737"
    assert "nav_status" not in sentence.fields
    assert sentence.position == {"latitude": 52.850155, "longitude": 5.313616667}
    assert sentence.time_of_day_ns == (9 * 3600 + 47 * 60 + 37) * 10**9
    assert sentence.date == date(2018, 8, 20)


def test_gga_has_altitude_and_hemispheres() -> None:
    """South and west are negative; GGA alone knows the altitude."""
    sentence = decode(GGA)
    assert sentence is not None
    assert sentence.position == {
        "latitude": -52.850156667,
        "longitude": -5.31362,
        "altitude": -4,
    }
    assert sentence.date is None


def test_zda_has_the_date() -> None:
    """ZDA says the whole date."""
    sentence = decode(ZDA)
    assert sentence is not None
    assert sentence.date == date(2018, 8, 20)


@pytest.mark.parametrize(
    "line",
    [
        b"$GPRMC,094737,V,5251.0093,N,00518.8170,E,5.6,230.5,200818,1.4,E,N*07",
        b"$GPGGA,094736,5251.0094,N,00518.8172,E,0,12,0.60,-4,M,46.8,M,,",
        b"$GPRMC,094737,A,,,,,5.6,230.5,200818,1.4,E,A",
        b"$GPGGA,094736,9951.0094,N,00518.8172,E,1,12,0.60,-4,M,46.8,M,,",
        b"$GPGGA,094736,nowhere,N,00518.8172,E,1,12,0.60,-4,M,46.8,M,,",
    ],
)
def test_no_position_without_a_fix(line: bytes) -> None:
    """A receiver that does not stand by it, or a place that is none, makes no Position."""
    sentence = decode(line)
    assert sentence is not None
    assert sentence.position is None


def test_rtk_receivers_without_navigational_status_have_a_fix() -> None:
    """`V` in the last field says only that the receiver gives no such status."""
    sentence = decode(b"$GNRMC,011903.00,A,4552.65550,S,17030.00756,E,0.214,,120419,,,A,V*0F")
    assert sentence is not None
    assert sentence.position == {"latitude": -45.877591667, "longitude": 170.500126}
    assert sentence.date == date(2019, 4, 12)


@pytest.mark.parametrize(
    "line",
    [
        RMC.replace(b"1F", b"1E"),  # a wrong checksum
        b"$GPXYZ,1,2,3",
        b"!AIVDM,1,1,,B,339FEj5P00PIwujN?fQv4?wPRD5:,0*64",
        b"$GP\xff",
        b"",
    ],
)
def test_refused_lines_are_none(line: bytes) -> None:
    """What pynmea2 does not read is no sentence, and no crash."""
    assert decode(line) is None


@given(
    st.binary(max_size=60), st.sampled_from([b"", b"$GPRMC,", b"$IIXDR,", b"$PUBX,", b"!AIVDM,"])
)
def test_any_bytes_can_be_decoded_or_not(tail: bytes, head: bytes) -> None:
    """Serial lines carry anything: no crash, and whatever comes out can be an event."""
    sentence = decode(head + tail)
    if sentence is not None:
        canonical_json(sentence.fields)
    assert all(part and part.isalnum() for part in source_of(head + tail))


@pytest.mark.parametrize(
    ("line", "source"),
    [
        (RMC, Source("GP", "RMC")),
        (b"!AIVDM,1", Source("AI", "VDM")),
        (b"$PUBX,00", Source("P", "UBX")),
        (b"\xb5\x62", UNKNOWN),
    ],
)
def test_source_is_read_from_the_first_characters(line: bytes, source: Source) -> None:
    """Also of lines that cannot be decoded."""
    assert source_of(line) == source


@given(st.binary(max_size=40))
def test_binary_before_a_sentence_is_split_off(junk: bytes) -> None:
    """Receivers mix binary output and sentences; split, no byte is lost."""
    parts = split_binary(junk + RMC)
    assert b"".join(parts) == junk + RMC
    assert parts[-1].endswith(RMC)
    assert len(parts) <= 2


@pytest.mark.parametrize(
    ("text", "ns"),
    [("000000", 0), ("235959.25", 86_399_250_000_000), ("240000", None), ("235960", None)],
)
def test_time_of_day(text: str, ns: int | None) -> None:
    """Hours to fractions, and what is none."""
    assert time_of_day(text) == ns
