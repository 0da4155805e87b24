"""Shortest decimals of binary floats, which convert back to the same 16 or 32 bit float."""

from __future__ import annotations

import math
import struct

_CODES = {16: "e", 32: "f"}
_DIGITS = {16: range(1, 6), 32: range(6, 10)}
"""Digits to try: 5 distinguish all float16 values, 9 all float32 values."""
_SUBNORMAL_BELOW = 2.0**-126
"""Below it a float32 has fewer than 6 significant digits, and the shortest may have one."""

WHOLE_MAX = 2**24
"""Every integer up to here is an exact float32, so all its digits are kept."""


def _is_whole(value: float) -> bool:
    return value.is_integer() and abs(value) <= WHOLE_MAX


def shortest(value: float, bits: int) -> float:
    """The float64 with the shortest text for a 16 or 32 bit float: 20.01 instead of
    20.010000228881836.
    """
    code = _CODES.get(bits)
    if code is None or not math.isfinite(value) or _is_whole(value):
        return value
    is_subnormal = bits == 32 and abs(value) < _SUBNORMAL_BELOW
    for digits in range(1, 10) if is_subnormal else _DIGITS[bits]:
        decimal = float(f"{value:.{digits}g}")
        try:
            if struct.unpack(code, struct.pack(code, decimal))[0] == value:
                return decimal
        except OverflowError:  # The largest float, rounded up, exceeds its width.
            continue
    return value
