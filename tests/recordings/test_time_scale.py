"""Time scales: TAI and GPS in UTC, by the table of leap seconds."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.recordings import time_scale
from nova.recordings.time_scale import to_utc
from nova.sdk import timestamps

SYSTEM_TABLE = Path("/usr/share/zoneinfo/leapseconds")
LAST_KNOWN = "2017-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("told", "scale", "utc"),
    [
        ("2022-03-25T21:43:52Z", "gps", "2022-03-25T21:43:34Z"),
        ("2022-03-25T21:44:11Z", "tai", "2022-03-25T21:43:34Z"),
        ("2022-03-25T21:43:34Z", "utc", "2022-03-25T21:43:34Z"),
        ("1980-01-06T00:00:00Z", "gps", "1980-01-06T00:00:00Z"),
        ("1980-01-06T00:00:19Z", "tai", "1980-01-06T00:00:00Z"),
        ("1972-01-01T00:00:10Z", "tai", "1972-01-01T00:00:00Z"),
        ("2017-01-01T00:00:35.5Z", "tai", "2016-12-31T23:59:59.5Z"),
        ("2017-01-01T00:00:36Z", "tai", "2017-01-01T00:00:00Z"),
        ("2017-01-01T00:00:36.5Z", "tai", "2017-01-01T00:00:00.5Z"),
        ("2017-01-01T00:00:37Z", "tai", "2017-01-01T00:00:00Z"),
    ],
)
def test_known_times(told: str, scale: str, utc: str) -> None:
    """A leap second has the number of the second behind it."""
    assert timestamps.text(to_utc(timestamps.parse(told), scale)) == timestamps.normal(utc)


@given(st.integers(timestamps.NS_MIN + 10**12, timestamps.NS_MAX))
def test_scales_differ_by_whole_seconds(ns: int) -> None:
    """GPS is always 19 s behind TAI, and UTC 10 to 37 s."""
    behind = ns - to_utc(ns, "tai")
    assert behind % 10**9 == 0
    assert 10 <= behind // 10**9 <= 37
    assert to_utc(ns - 19 * 10**9, "gps") == to_utc(ns, "tai")


def test_table_is_that_of_the_time_zone_database() -> None:
    """Every leap second that this machine's tzdata knows, where it has the list."""
    if not SYSTEM_TABLE.exists():
        return
    known = []
    for line in SYSTEM_TABLE.read_text().splitlines():
        if line.startswith("Leap"):
            _, year, month, day, *_ = line.split()
            known.append(time.strptime(f"{year} {month} {day}", "%Y %b %d")[:3])
    begins = [
        (year - 1, 12, 31) if month == 1 else (year, 6, 30)
        for month, years in time_scale.LEAPS.items()
        for year in years
    ]
    assert sorted(begins) == sorted(known)
