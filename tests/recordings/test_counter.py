"""Counters to times, exact to the nanosecond."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.recordings import counter

EPOCH = 1_000


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (5, "s", 5_000_001_000),
        (-0.3, "s", -300_000_000 + EPOCH),
        ("  27.88 ", "s", 27_880_001_000),
        ("1e3", "ms", 1_000_001_000),
        (7, "ns", 1_007),
        (0.5, "h", 1_800_000_001_000),
        ("1655997436123456789", "ns", 1655997436123456789 + EPOCH),
    ],
)
def test_counts(value: object, unit: str, expected: int) -> None:
    """Numbers and texts, in every unit."""
    assert counter.to_ns(value, unit, EPOCH) == expected


@given(st.integers(-(10**18), 10**18))
def test_nanoseconds_written_as_seconds_are_exact(ns: int) -> None:
    """No detour over floats: a text with nine digits comes back to the nanosecond."""
    assert counter.to_ns(f"{Decimal(ns) / 10**9:.9f}", "s", 0) == ns


@pytest.mark.parametrize(
    "value",
    [
        "1_744",
        "\u0661\u0662",
        None,
        True,
        "",
        "NaN",
        "inf",
        "soon",
        b"1",
        "1e999999999",
        "9" * 5000,
        [1],
    ],
)
def test_what_is_no_number(value: object) -> None:
    """No crash and no endless sum, whatever a field holds."""
    assert counter.to_ns(value, "s", 0) is None
