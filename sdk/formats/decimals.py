"""Decimals of binary floats: the shortest that gives the same float of its own width back."""

from __future__ import annotations

import math
import struct

_CODES = {16: "e", 32: "f"}
_DIGITS = {16: range(1, 6), 32: range(6, 10)}
"""How many digits to try: five tell any two float16 apart, nine any two float32."""


WHOLE_MAX = 2**24
"""Up to here every whole number is a float32: none of its digits is left out."""


def _is_whole(value: float) -> bool:
    return value.is_integer() and abs(value) <= WHOLE_MAX


def shortest(value: float, bits: int) -> float:
    """The float64 whose text is the shortest for a float of 16 or 32 bits: 20.01 rather than
    20.010000228881836.
    """
    code = _CODES.get(bits)
    if code is None or not math.isfinite(value) or _is_whole(value):
        return value
    for digits in _DIGITS[bits]:
        decimal = float(f"{value:.{digits}g}")
        try:
            if struct.unpack(code, struct.pack(code, decimal))[0] == value:
                return decimal
        except OverflowError:  # Rounded up, the greatest float is beyond its width.
            continue
    return value
