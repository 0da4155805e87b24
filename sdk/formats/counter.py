"""Counters to times: what a clock that counts from some epoch means in nanoseconds since 1970."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

UNITS_NS = {"h": 3_600_000_000_000, "s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
MAGNITUDE_MAX = 30
"""Decimal places before the point beyond which no number is a time; keeps the arithmetic small."""


def to_ns(value: object, unit: str, epoch_ns: int) -> int | None:
    """The time of a count, exact to the nanosecond; None where the value is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        count = Decimal(value.strip() if isinstance(value, str) else repr(value))
    except InvalidOperation:
        return None
    if not count.is_finite() or count.adjusted() > MAGNITUDE_MAX:
        return None
    return epoch_ns + int((count * UNITS_NS[unit]).to_integral_value())
