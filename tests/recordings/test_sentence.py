"""NMEA sentences: fields, positions, times of day."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.recordings.sentence import (
    DAMAGED,
    UNDECODABLE,
    UNKNOWN,
    SentenceSource,
    damage_reason,
    decode,
    parse_source,
    time_of_day,
)
from nova.sdk.events.canonical import canonical_json
from nova.sdk.optional_imports import import_optional

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


def test_every_type_without_fields_and_with_huge_ones() -> None:
    """Before, `$PUBX` and its like ended in IndexError, and with a device."""
    types = import_optional("pynmea2").nmea
    heads = [f"$P{name}" for name in types.ProprietarySentence.sentence_types]
    heads += [f"$GP{name}" for name in types.TalkerSentence.sentence_types]
    for head in heads:
        for tail in ("", ",", "1", "00", ",,", ",1", "," + "9" * 40, ",9" * 30, "," + "9" * 5000):
            sentence = decode(f"{head}{tail}\r\n".encode())
            if sentence is not None:
                canonical_json(sentence.fields)


@pytest.mark.parametrize("day", ["9" * 40 + ",03,2024", "1_0,03,2024", "23,03,9" + "9" * 5000])
def test_a_date_that_is_none(day: str) -> None:
    """Before, a huge field ended in OverflowError, and 1_0 was the tenth."""
    sentence = decode(f"$GPZDA,094737,{day},00,00".encode())
    assert sentence is not None
    assert sentence.date is None


@given(
    st.binary(max_size=60), st.sampled_from([b"", b"$GPRMC,", b"$IIXDR,", b"$PUBX,", b"!AIVDM,"])
)
def test_any_bytes_can_be_decoded_or_not(tail: bytes, head: bytes) -> None:
    """Serial lines carry anything: no crash, and whatever comes out can be an event."""
    sentence = decode(head + tail)
    if sentence is not None:
        canonical_json(sentence.fields)
    assert all(part and part.isalnum() for part in parse_source(head + tail))


@pytest.mark.parametrize(
    ("line", "source"),
    [
        (RMC, SentenceSource("GP", "RMC")),
        (b"!AIVDM,1", SentenceSource("AI", "VDM")),
        (b"$PUBX,00", SentenceSource("P", "UBX")),
        (b"\xb5\x62", UNKNOWN),
    ],
)
def test_source_is_read_from_the_first_characters(line: bytes, source: SentenceSource) -> None:
    """Also of lines that cannot be decoded."""
    assert parse_source(line) == source


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("000000", 0),
        ("235959.25", 86_399_250_000_000),
        ("240000", None),
        ("235960.5", 86_400_500_000_000),
        ("123460", None),
    ],
)
def test_time_of_day(text: str, ns: int | None) -> None:
    """Hours to fractions, leap seconds, and what is none."""
    assert time_of_day(text) == ns


GGA_FIELDS = b"$GPGGA,101531.00,4807.0380,N,01131.0000,E,1,08,1.0,545.4,M,46.9,M,,"


@pytest.mark.parametrize("end", [b"", b"\r\n"])
def test_a_cut_sentence_gives_no_position(end: bytes) -> None:
    """Wherever it is cut. Before, `…,E` and a line end gave longitude 0.0."""
    for length in range(8, len(GGA_FIELDS) - 1):
        sentence = decode(GGA_FIELDS[:length] + end)
        assert sentence is None or (sentence.position, sentence.is_cut) == (None, True), length


@pytest.mark.parametrize(
    ("line", "last"),
    [
        (b"$SDDBT,7.8,f,2.4,M,1.3,F\r\n", ("unit_fathoms", "F")),
        (b"$WIMWV,214.8,R,10.4,M,A\r\n", ("status", "A")),
    ],
)
def test_no_field_keeps_its_line_end(line: bytes, last: tuple[str, str]) -> None:
    """Before, the last field of a sentence without a checksum was `F`, CR and LF."""
    sentence = decode(line)
    assert sentence is not None and not sentence.is_cut
    assert sentence.fields[last[0]] == last[1]


@pytest.mark.parametrize(
    ("line", "altitude"),
    [
        (b"$GNGNS,101530.00,4807.0380,N,01131.0000,E,AANN,13,0.93,545.4,46.9,,*6F", 545.4),
        (b"$GPGLL,4807.0380,N,01131.0000,E,101530.00,A,A", None),
        (b"$GPRMC,235959.00,a,4807.0380,n,01131.0000,e,1.0,84.4,311223,,,a*64", None),
        (GGA_FIELDS, 545.4),
    ],
)
def test_positions_of_every_kind(line: bytes, altitude: float | None) -> None:
    """GNS and GLL as well, in capitals or not, and unchecked where all is there."""
    sentence = decode(line)
    assert sentence is not None and sentence.has_fix is True
    expected = {"latitude": 48.1173, "longitude": 11.516666667}
    assert sentence.position == expected | ({} if altitude is None else {"altitude": altitude})


@pytest.mark.parametrize(
    "line",
    [
        b"$GPRMC,000000.00,A,0.000,N,0.000,E,0.0,0.0,050505,0.0,E*6D",
        b"$GPRMC,000000.00,A,0000.0000,N,00000.0000,E,0.0,0.0,050505,,,A",
        b"$GPRMC,235955.800,V,,,,,0.00,0.00,050180,,,N*44",
        b"$GPRMC,235955.800,A,4807.0380,N,01131.0000,E,0.00,0.00,050180,,,N",
        b"$GPGGA,235955.800,,,,,0,00,,,M,,M,,*7D",
        b"$GPGLL,4807.0380,N,01131.0000,E,101530.00,V,N",
        b"$GNGNS,101530.00,4807.0380,N,01131.0000,E,NNNN,13,0.93,545.4,46.9,,",
        b"$PUBX,00,081350.00,4717.113210,N,00833.915187,E,546.589,NF,2.1,2.0,0.007,77.52,0.007,,"
        b"0.92,1.19,0.77,9,0,0",
    ],
)
def test_receivers_without_a_fix(line: bytes) -> None:
    """By status, quality or mode, or idling at 0/0."""
    sentence = decode(line)
    assert sentence is not None
    assert (sentence.has_fix, sentence.position) == (False, None)


def test_a_position_lacks_no_digit_and_no_hemisphere() -> None:
    """A byte that is lost within an unchecked sentence takes the position, not only a digit."""
    for lost in (
        b"4807.0380,N,0113.0000,E",
        b"807.0380,N,01131.0000,E",
        b"4807.0380,N,01131.0000,",
    ):
        line = b"$GPGGA,101531.00," + lost + b",1,08,1.0,545.4,M,46.9,M,,"
        sentence = decode(line)
        assert sentence is not None and sentence.position is None


def test_why_a_line_is_not_read() -> None:
    """Damage is distinguished from what pynmea2 does not know."""
    assert damage_reason(RMC.replace(b"1F", b"1E")) == DAMAGED
    assert damage_reason(RMC.strip()[:-1]) == DAMAGED
    assert damage_reason(b"$GPXYZ,1,2,3") == UNDECODABLE
    assert damage_reason(b"\xb5b") == UNDECODABLE
