"""Converts counters since an epoch to nanoseconds since 1970."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

UNITS_NS = {"h": 3_600_000_000_000, "s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
MAGNITUDE_MAX = 30
"""Integer digits above which no number is a time; bounds the cost of the arithmetic."""


def to_ns(value: object, unit: str, epoch_ns: int) -> int | None:
    """The time of a count, exact to the nanosecond; None if the value is not a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        count = Decimal(value.strip() if isinstance(value, str) else repr(value))
    except InvalidOperation:
        return None
    if not count.is_finite() or count.adjusted() > MAGNITUDE_MAX:
        return None
    return epoch_ns + int((count * UNITS_NS[unit]).to_integral_value())
