"""Times in cells: as people, pandas and spreadsheets write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.recordings.cell_time import TimeColumn, check_format, iso_ns, parse_zone
from nova.recordings.recording import RecordingError
from nova.sdk import timestamps
from nova.sdk.errors import TimestampError


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2025-04-17 17:00:08+00:00", "2025-04-17T17:00:08Z"),
        ("2025-04-17 17:00:09.250000+00:00", "2025-04-17T17:00:09.25Z"),
        ("2025-04-17T17:00:08+0000", "2025-04-17T17:00:08Z"),
        ("2025-04-17T17:00:08z", "2025-04-17T17:00:08Z"),
        ("2025-04-17T17:00Z", "2025-04-17T17:00:00Z"),
        ("20250417T170008Z", "2025-04-17T17:00:08Z"),
        ("2025-107T17:00:08Z", "2025-04-17T17:00:08Z"),
        ("2025-04-17T17:00:08.1234567890Z", "2025-04-17T17:00:08.123456789Z"),
        ("2025-04-17T24:00:00Z", "2025-04-18T00:00:00Z"),
        ("2025-04-17T10:00:10-05:00", "2025-04-17T15:00:10Z"),
        ("2025-04-17 17:00:08 UTC", "2025-04-17T17:00:08Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2017-01-01T00:59:60.5+01:00", "2017-01-01T00:00:00.5Z"),
    ],
)
def test_spellings(cell: str, expected: str) -> None:
    """Before, only RFC 3339 was taken, and pandas' own output was refused row by row."""
    assert iso_ns(cell, None) == timestamps.parse(expected)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("2025-04-17T17:00:08", "--time-zone"),
        ("17/04/2025 17:00:08", "--time-format"),
        ("2025-04-17", "--time-format"),
        ("2025-02-30T00:00:00Z", "day that does not exist"),
        ("2025-366T00:00:00Z", "day that does not exist"),
        ("2025-000T00:00:00Z", "day that does not exist"),
        ("0001-000T00:00:00Z", "day that does not exist"),
        ("2025-04-17T24:00:01Z", "time of day"),
        ("2025-04-17T17:60:00Z", "time of day"),
        ("2025-04-17T17:00:60Z", "second 60"),
        ("2025-04-17T17:00:08.1234567891Z", "finer than a nanosecond"),
        ("2025-04-17T17:00:08+24:00", "offset"),
        ("", "--time-format"),
    ],
)
def test_what_is_no_time_says_what_helps(cell: str, words: str) -> None:
    """One clear error each."""
    with pytest.raises(TimestampError, match=words):
        iso_ns(cell, None)


@given(st.integers(0, 2**62))
def test_every_time_text_is_read_as_before(ns: int) -> None:
    """The normal form and that of pandas."""
    text = timestamps.text(ns)
    assert iso_ns(text, None) == ns
    assert iso_ns(text.replace("T", " ").replace("Z", "+00:00"), None) == ns
    assert iso_ns(text.removesuffix("Z"), parse_zone("UTC")) == ns


def test_a_zone_that_is_said() -> None:
    """In winter and in summer; the hours of the change are refused."""
    berlin = parse_zone("Europe/Berlin")
    assert iso_ns("2025-01-17 17:00:08.5", berlin) == timestamps.parse("2025-01-17T16:00:08.5Z")
    assert iso_ns("2025-07-17 17:00:08", berlin) == timestamps.parse("2025-07-17T15:00:08Z")
    assert iso_ns("2025-07-17 17:00:08Z", berlin) == timestamps.parse("2025-07-17T17:00:08Z")
    assert iso_ns("2025-01-01 00:00:00", parse_zone("-05:00")) == timestamps.parse(
        "2025-01-01T05:00:00Z"
    )
    with pytest.raises(TimestampError, match="twice"):
        iso_ns("2025-10-26 02:30:00", berlin)
    with pytest.raises(TimestampError, match="does not exist"):
        iso_ns("2025-03-30 02:30:00", berlin)


@pytest.mark.parametrize("text", ["Berlin/Mitte", "", "../etc", "+25:00", "MEZ+1"])
def test_no_zone_is_one_error(text: str) -> None:
    """With what may be given."""
    with pytest.raises((RecordingError, TimestampError)):
        parse_zone(text)


def test_a_format_that_is_said() -> None:
    """Of `strptime`, with a zone in it or by the option."""
    time = TimeColumn(
        "t", strptime_format=check_format("%d/%m/%Y %H:%M:%S.%f"), zone=parse_zone("UTC")
    )
    assert time.time_ns("17/04/2025 17:00:08.25") == timestamps.parse("2025-04-17T17:00:08.25Z")
    with pytest.raises(TimestampError, match="does not match the format"):
        time.time_ns("2025-04-17")
    zoned = TimeColumn("t", strptime_format=check_format("%d.%m.%y %H:%M %z"))
    assert zoned.time_ns("17.04.25 17:00 +0200") == timestamps.parse("2025-04-17T15:00:00Z")
    with pytest.raises(TimestampError, match="--time-zone"):
        TimeColumn("t", strptime_format="%Y").time_ns("2025")
    for form in ("%H:%M:%S", "%Y %"):
        with pytest.raises(RecordingError, match="--time-format"):
            check_format(form)


def test_columns_of_a_time() -> None:
    """One, also where its name has a comma, or several with a blank between them."""
    row = {"date": "2025-04-17", "time": "17:00:08", "a,b": "1"}
    both = TimeColumn("date,time", "iso")
    assert both.columns(list(row)) == ["date", "time"]
    assert both.cell(["date", "time"], row) == "2025-04-17 17:00:08"
    assert TimeColumn("a,b").columns(list(row)) == ["a,b"]
    assert TimeColumn("date,when").columns(list(row)) is None


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("17/04/2025 17:00:08 UTC", "2025-04-17T17:00:08Z"),
        ("17/04/2025 17:00:08 gmt", "2025-04-17T17:00:08Z"),
        ("17/04/2025 17:00:08 Z", "2025-04-17T17:00:08Z"),
        ("17/04/2025 17:00:08 CEST", "2025-04-17T15:00:08Z"),
        ("26/10/2025 02:30:00 CEST", "2025-10-26T00:30:00Z"),
        ("26/10/2025 02:30:00 CET", "2025-10-26T01:30:00Z"),
    ],
)
def test_a_zone_in_the_cell_wins(cell: str, expected: str) -> None:
    """Before, `strptime` forgot the name, and the zone of the option was taken."""
    column = TimeColumn("t", "iso", 0, parse_zone("Europe/Berlin"), "%d/%m/%Y %H:%M:%S %Z")
    assert column.time_ns(cell) == timestamps.parse(expected)


@pytest.mark.parametrize("cell", ["17/04/2025 17:00:08 EST", "17/04/2025 17:00:08 CET"])
def test_a_zone_that_the_option_does_not_have_is_refused(cell: str) -> None:
    """Also winter's name in summer, and whatever this host's own zone is called."""
    form = "%d/%m/%Y %H:%M:%S %Z"
    for zone in (parse_zone("Europe/Berlin"), None):
        with pytest.raises(TimestampError, match="names the zone"):
            TimeColumn("t", "iso", 0, zone, form).time_ns(cell)
    literal = TimeColumn("t", "iso", 0, parse_zone("UTC"), "%d/%m/%Y %H:%M:%S %%Z")
    assert literal.time_ns("17/04/2025 17:00:08 %Z") == timestamps.parse("2025-04-17T17:00:08Z")
