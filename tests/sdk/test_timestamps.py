"""Times: texts to int64 nanoseconds and back, and invalid texts."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nova.sdk import timestamps
from nova.sdk.errors import TimestampError
from nova.sdk.timestamps import NS_MAX, NS_MIN

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NS_PER_US = 1_000

instants = st.one_of(
    st.integers(NS_MIN, NS_MAX),
    st.integers(-10_000_000_000, 10_000_000_000),
    st.sampled_from([NS_MIN, -1_000_000_000, -1, 0, 1, 999_999_999, NS_MAX]),
)


def offset_zone(minutes: int) -> timezone:
    """A fixed zone."""
    return timezone(timedelta(minutes=minutes))


zoned = st.datetimes(
    min_value=datetime(1678, 1, 1),
    max_value=datetime(2262, 1, 1),
    timezones=st.integers(-1439, 1439).map(offset_zone),
)


@given(instants)
@settings(deadline=None)
def test_every_instant_reads_back(ns: int) -> None:
    """Nothing is lost between int64 nanoseconds and the normal form (AMB-07)."""
    text = timestamps.text(ns)
    assert timestamps.parse(text) == ns
    assert timestamps.normal(text) == text


@given(
    instants.map(timestamps.text)
    | st.sampled_from(["2026-01-31T12:00:00+01:00", "1969-12-31T23:59:59.9Z"])
)
def test_a_text_that_was_accepted_reads_the_same(written: str) -> None:
    """The shorter way knows its one spelling, and leaves the others to the longer."""
    assert timestamps.parse_accepted(written) == timestamps.parse(written)


@given(instants, instants)
@settings(deadline=None)
def test_normal_texts_sort_as_their_times_do(one: int, other: int) -> None:
    """A normal form of fixed width keeps the order (AMB-07)."""
    assert (timestamps.text(one) < timestamps.text(other)) == (one < other)


@given(zoned)
@settings(deadline=None)
def test_times_are_those_of_datetime(moment: datetime) -> None:
    """Offsets and microseconds mean what the standard library says (AMB-07)."""
    offset = moment.utcoffset()
    assert offset is not None
    sign = "-" if offset < timedelta(0) else "+"
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    text = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}{sign}{hours:02d}:{minutes:02d}"
    expected = (moment - EPOCH) // timedelta(microseconds=1) * NS_PER_US
    assert timestamps.parse(text) == expected


@given(st.integers(0, 999_999_999), st.integers(1, 9))
@settings(deadline=None)
def test_fractions_of_one_to_nine_digits(nanoseconds: int, digits: int) -> None:
    """Missing digits are zeros (AMB-07)."""
    fraction = f"{nanoseconds:09d}"[:digits]
    assert timestamps.parse(f"1970-01-01T00:00:00.{fraction}Z") == int(fraction.ljust(9, "0"))


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("2026-02-03T04:05:06Z", "2026-02-03T04:05:06.000000000Z"),
        ("2026-02-03T04:05:06+00:00", "2026-02-03T04:05:06.000000000Z"),
        ("2026-02-03T04:05:06-00:00", "2026-02-03T04:05:06.000000000Z"),
        ("2026-02-03T04:05:06.5+05:30", "2026-02-02T22:35:06.500000000Z"),
        ("2026-12-31T23:59:59.999999999-23:59", "2027-01-01T23:58:59.999999999Z"),
        ("1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999999Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000000Z"),
        ("1677-09-21T00:12:43.145224192Z", "1677-09-21T00:12:43.145224192Z"),
        ("2262-04-11T23:47:16.854775807Z", "2262-04-11T23:47:16.854775807Z"),
    ],
)
def test_spellings_and_their_normal_form(text: str, normal: str) -> None:
    """UTC, nine digits, `Z` (AMB-07)."""
    assert timestamps.normal(text) == normal


@pytest.mark.parametrize(
    "text",
    [
        "1677-09-21T00:12:43.145224191Z",
        "2262-04-11T23:47:16.854775808Z",
        "1677-09-21T00:12:43.145224192+00:01",
        "2262-04-11T23:47:16.854775807-00:01",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
    ],
)
def test_times_beyond_int64_nanoseconds_are_refused(text: str) -> None:
    """The bounds of a key are the bounds of a time (AMB-07)."""
    with pytest.raises(TimestampError, match="outside 1677-09-21 to 2262-04-11"):
        timestamps.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-02-03",
        "2026-02-03T04:05:06",
        "2026-02-03T04:05:06.123",
        "2026-02-03 04:05:06Z",
        "2026-02-03t04:05:06z",
        "2026-02-03T04:05Z",
        "20260203T040506Z",
        "2026-02-03T04:05:06.Z",
        "2026-02-03T04:05:06,5Z",
        "2026-02-03T04:05:06.1234567890Z",
        "2026-02-03T04:05:06+0100",
        "2026-02-03T04:05:06+01",
        "2026-02-03T04:05:06+24:00",
        "2026-02-03T04:05:06+01:60",
        "2026-02-03T04:05:06Z ",
        "2026-02-03T04:05:06Z\n",
        "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2025-02-29T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-02-03T24:00:00Z",
        "2026-02-03T04:60:00Z",
        "2016-12-31T23:59:60Z",
        "+2026-02-03T04:05:06Z",
        "-2026-02-03T04:05:06Z",
        "2026-W05-2T00:00:00Z",
        "٢٠٢٦-02-03T04:05:06Z",
        "1770091506",
    ],
)
def test_naive_and_unreadable_times_are_refused(text: str) -> None:
    """An offset is required, ten digits are too many, there is no second 60 (AMB-07)."""
    with pytest.raises(TimestampError) as caught:
        timestamps.parse(text)
    assert repr(text[:64]) in str(caught.value)


@given(st.one_of(st.text(), st.from_regex(r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z")))
@settings(deadline=None)
def test_any_text_is_a_time_or_a_timestamp_error(text: str) -> None:
    """Nothing else comes out, and what does is in range (AMB-07)."""
    try:
        ns = timestamps.parse(text)
    except TimestampError:
        return
    assert NS_MIN <= ns <= NS_MAX


def test_now_is_the_wall_clock() -> None:
    """Nanoseconds since 1970 (A-083)."""
    before = time.time_ns()
    now = timestamps.now()
    assert before <= now <= time.time_ns()
