"""CDS times: the eight bytes that JPSS packets carry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.recordings import cds
from nova.sdk import timestamps

FIRST_NS = timestamps.parse("1958-01-01T00:00:00Z")
LAST_NS = FIRST_NS + 2**16 * cds.NS_PER_DAY - 1


def test_known_time() -> None:
    """The first JPSS-1 packet of the recording: day 23109, 7 ms, 137 µs."""
    field = bytes.fromhex("5a45000000070089")
    assert cds.decode(field) == timestamps.parse("2021-04-09T00:00:00.007137Z")


def test_epoch_is_1958() -> None:
    """CCSDS 301.0-B: all zero is 1 January 1958."""
    assert cds.decode(bytes(8)) == FIRST_NS


@given(st.integers(FIRST_NS, LAST_NS))
def test_round_trip_keeps_microseconds(ns: int) -> None:
    """A time comes back cut to the microsecond, before 1970 too."""
    assert cds.decode(cds.encode(ns)) == ns // 1000 * 1000


@pytest.mark.parametrize(
    "field",
    [
        b"",
        bytes(7),
        bytes.fromhex("5a45052665c80000"),  # 86,401,480 ms
        bytes.fromhex("5a450000000003e8"),  # 1000 µs in a millisecond
    ],
)
def test_bytes_that_are_no_time(field: bytes) -> None:
    """Too short, or beyond a day with a leap second, or beyond a millisecond."""
    assert cds.decode(field) is None


def test_leap_second_is_a_time() -> None:
    """A day may have 86,401 seconds."""
    field = bytes.fromhex("5a45") + (86_400_500).to_bytes(4) + bytes(2)
    assert cds.decode(field) == timestamps.parse("2021-04-10T00:00:00.5Z")
