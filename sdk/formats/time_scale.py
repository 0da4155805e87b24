"""Time scales: what clocks that know no leap seconds (TAI, GPS) mean in UTC.

The table is that of the IERS (Bulletin C, also `leap-seconds.list`); its last entry is of
2017-01-01, and Bulletin C 70 of July 2025 announces none up to 2026-06-28.
"""

from __future__ import annotations

from bisect import bisect_right

from sdk import timestamps
from sdk.timestamps import NS_PER_SECOND

SCALES = ("utc", "gps", "tai")
GPS_BEHIND_TAI_S = 19
TAI_AHEAD_FIRST_S = 10
"""TAI - UTC from 1972-01-01 on, and taken before, when UTC had no whole leap seconds."""
LEAPS = {
    1: (*range(1973, 1981), 1988, 1990, 1991, 1996, 1999, 2006, 2009, 2017),
    7: (1972, 1981, 1982, 1983, 1985, 1992, 1993, 1994, 1997, 2012, 2015),
}
"""The years in which July and January begin behind a leap second, each one second more."""

_LEAPS_UTC_NS = sorted(
    timestamps.parse(f"{year}-{month:02d}-01T00:00:00Z")
    for month, years in LEAPS.items()
    for year in years
)
_LEAPS_TAI_NS = [
    ns + (TAI_AHEAD_FIRST_S + number) * NS_PER_SECOND for number, ns in enumerate(_LEAPS_UTC_NS, 1)
]
"""When each leap second is over, on the clock of TAI."""


def to_utc(ns: int, scale: str) -> int:
    """The UTC of a clock's reading, both in nanoseconds since 1970 on their own clock.

    A leap second has the same number as the second behind it, as everywhere in POSIX time.
    """
    if scale == "utc":
        return ns
    tai_ns = ns + (GPS_BEHIND_TAI_S * NS_PER_SECOND if scale == "gps" else 0)
    ahead_s = TAI_AHEAD_FIRST_S + bisect_right(_LEAPS_TAI_NS, tai_ns)
    return tai_ns - ahead_s * NS_PER_SECOND
