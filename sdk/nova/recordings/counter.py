"""Converts counters since an epoch to nanoseconds since 1970."""

from __future__ import annotations

import re
from decimal import Decimal

UNITS_NS = {"h": 3_600_000_000_000, "s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
MAGNITUDE_MAX = 30
"""Integer digits above which no number is a time; bounds the cost of the arithmetic."""

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,9})?", re.ASCII)
"""Narrower than Decimal, which also takes `1_744` and the digits of any script."""


def to_ns(value: object, unit: str, epoch_ns: int) -> int | None:
    """The time of a count, exact to the nanosecond; None if the value is not a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = value.strip() if isinstance(value, str) else repr(value)
    if _NUMBER.fullmatch(text) is None:
        return None
    count = Decimal(text)
    if count.adjusted() > MAGNITUDE_MAX:
        return None
    return epoch_ns + int((count * UNITS_NS[unit]).to_integral_value())
