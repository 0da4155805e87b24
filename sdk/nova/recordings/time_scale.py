"""Converts time scales without leap seconds (TAI, GPS) to UTC.

The table is from the IERS (Bulletin C, also `leap-seconds.list`). Its last entry is of 2017-01-01;
Bulletin C 70 of July 2025 announces none up to 2026-06-28.
"""

from __future__ import annotations

from bisect import bisect_right

from nova.sdk import timestamps
from nova.sdk.timestamps import NS_PER_SECOND

SCALES = ("utc", "gps", "tai")
GPS_BEHIND_TAI_S = 19
TAI_AHEAD_FIRST_S = 10
"""TAI - UTC from 1972-01-01, also used for earlier times, when UTC had no whole leap seconds."""
LEAPS = {
    1: (*range(1973, 1981), 1988, 1990, 1991, 1996, 1999, 2006, 2009, 2017),
    7: (1972, 1981, 1982, 1983, 1985, 1992, 1993, 1994, 1997, 2012, 2015),
}
"""The years in which January and July begin right after a leap second."""

_LEAPS_UTC_NS = sorted(
    timestamps.parse(f"{year}-{month:02d}-01T00:00:00Z")
    for month, years in LEAPS.items()
    for year in years
)
_LEAPS_TAI_NS = [
    ns + (TAI_AHEAD_FIRST_S + number) * NS_PER_SECOND for number, ns in enumerate(_LEAPS_UTC_NS, 1)
]
"""The TAI times at which the leap seconds end."""


def to_utc(ns: int, scale: str) -> int:
    """Convert a clock's time to UTC, both in ns since 1970 on their own scale.

    A leap second gets the same number as the second after it, as in POSIX time.
    """
    if scale == "utc":
        return ns
    tai_ns = ns + (GPS_BEHIND_TAI_S * NS_PER_SECOND if scale == "gps" else 0)
    ahead_s = TAI_AHEAD_FIRST_S + bisect_right(_LEAPS_TAI_NS, tai_ns)
    return tai_ns - ahead_s * NS_PER_SECOND
