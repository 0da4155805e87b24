"""What compiled decoders call: calibrators, texts and narrow floats, with the library's results to
the last bit, and its failures as exceptions.
"""

from __future__ import annotations

import math
import struct
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Protocol, cast

from nova.recordings.decimals import shortest
from nova.recordings.xtce_fields import FieldEncoding
from nova.sdk.optional_imports import import_optional

SAFE_INTEGER_MAX = 2**53 - 1
HALF_FLOATS = 1 << 16
SUMMED_MAX = 2
"""Terms that are added alike in every version of Python, of which later ones compensate errors."""

Calibrate = Callable[[float], float]


class SplinePoint(Protocol):
    """A point of a spline."""

    raw: float
    calibrated: float


class LibraryCalibrator(Protocol):
    """A calibrator of the library."""

    def calibrate(self, uncalibrated_value: float) -> float: ...


def linear_spline(xs: Sequence[float], ys: Sequence[float], *, extrapolates: bool) -> Calibrate:
    """The function of a spline of order 1 through sorted points; it raises an exception outside of
    them, and at the last one.
    """
    first, last = xs[0], xs[-1]

    def line(left: int, value: float) -> float:
        slope = (ys[left + 1] - ys[left]) / (xs[left + 1] - xs[left])
        return (slope * (value - xs[left])) + ys[left]

    def calibrate(value: float) -> float:
        if first <= value <= last:
            return line(bisect_right(xs, value) - 1, value)
        if extrapolates and value > last:
            return line(len(xs) - 2, value)
        if extrapolates and value < first:
            return line(0, value)
        raise ValueError("outside of the spline")

    return calibrate


def step_spline(xs: Sequence[float], ys: Sequence[float], *, extrapolates: bool) -> Calibrate:
    """The same of order 0."""
    first, last = xs[0], xs[-1]

    def calibrate(value: float) -> float:
        if first <= value < last:
            return ys[bisect_right(xs, value) - 1]
        if extrapolates and value > last:
            return ys[-1]
        if extrapolates and value < first:
            return ys[0]
        raise ValueError("outside of the spline")

    return calibrate


def calibration_of(calibrator: object) -> Calibrate:
    """A calibrator's function; other calibrators than plain splines calibrate by themselves."""
    order = getattr(calibrator, "order", None)
    points = cast("Sequence[SplinePoint]", getattr(calibrator, "points", ()))
    if order in (0, 1) and len(points) > 1 and all(math.isfinite(one.raw) for one in points):
        xs, ys = [one.raw for one in points], [one.calibrated for one in points]
        make = linear_spline if order else step_spline
        return make(xs, ys, extrapolates=bool(getattr(calibrator, "extrapolate", False)))
    return cast(LibraryCalibrator, calibrator).calibrate


def text_of(encoding: FieldEncoding) -> Callable[[bytes], str]:
    """The function that reads a string field of whole bytes; it raises an exception for others."""
    name = str(getattr(encoding, "encoding", ""))
    leading = cast("int | None", getattr(encoding, "leading_length_size", None))
    end = cast("bytes | None", getattr(encoding, "termination_character", None))
    if leading:
        return lambda data: _counted(data, leading).decode(name)
    if end is not None:
        return lambda data: data[: data.index(end)].decode(name)
    return lambda data: data.decode(name)


def _counted(data: bytes, leading_bits: int) -> bytes:
    """The bytes of a string behind its own size in bits."""
    number, bits = int.from_bytes(data), len(data) * 8
    if leading_bits > bits:
        raise ValueError("the size is cut short")
    size_bits = number >> bits - leading_bits
    left = bits - leading_bits - size_bits
    if size_bits % 8 or left < 0:
        raise ValueError(f"{size_bits} bits are no string")
    return (number >> left & (1 << size_bits) - 1).to_bytes(size_bits // 8)


def json_value(value: object) -> object:
    """The JSON form of a decoded value: bytes as hex, large integers as text, NaN as None."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, int):
        if type(value).__name__ == "BoolParameter":
            return bool(value)
        return int(value) if abs(value) <= SAFE_INTEGER_MAX else str(int(value))
    return None if value is None else str(value)


def safe(number: int) -> int | str:
    """An integer as JSON has it: large ones as text."""
    return number if -SAFE_INTEGER_MAX <= number <= SAFE_INTEGER_MAX else str(number)


def mil_float(number: int) -> float:
    """A float of MIL-STD-1750A: 24 bits of mantissa, 8 of exponent."""
    exponent = (number & 0xFF ^ 0x80) - 0x80
    mantissa = (number >> 8 ^ 0x800000) - 0x800000
    return float(mantissa * (2.0 ** (exponent - 23)))


def one_float(code: str, data: bytes) -> float:
    """The float that bytes hold in a format of `struct`."""
    return cast(float, struct.unpack(code, data)[0])


@lru_cache(maxsize=HALF_FLOATS)
def shortest_half(value: float) -> float:
    """A 16 bit float as its shortest decimal."""
    return shortest(value, 16)


class ShortestFloats:
    """Writes 32 bit floats as their shortest decimals, several at once; what is not finite becomes
    None.
    """

    def __init__(self, count: int) -> None:
        numpy, orjson = import_optional("numpy"), import_optional("orjson")
        self._dumps, self._loads = orjson.dumps, orjson.loads
        self._frombuffer, self._type = numpy.frombuffer, numpy.float32
        self._option = orjson.OPT_SERIALIZE_NUMPY
        self._pack = struct.Struct(f"={count}f").pack
        self._differing = _differing_powers()

    def __call__(self, *values: float) -> list[float | None]:
        """The decimals of values that are 32 bit floats."""
        array = self._frombuffer(self._pack(*values), self._type)
        found = cast("list[float | None]", self._loads(self._dumps(array, option=self._option)))
        if not self._differing.keys().isdisjoint(found):
            return [self._differing.get(one, one) if one else one for one in found]
        return found


@lru_cache(maxsize=1)
def _differing_powers() -> dict[float | None, float]:
    """Powers of two of which orjson writes another decimal than `shortest`. Only there are the
    neighbours at different distances, so that the shortest decimal may not be the nearest.
    """
    import numpy as np
    import orjson

    powers = [sign * 2.0**exponent for exponent in range(-149, 128) for sign in (1, -1)]
    text = orjson.dumps(np.array(powers, np.float32), option=orjson.OPT_SERIALIZE_NUMPY)
    pairs = zip(orjson.loads(text), (shortest(one, 32) for one in powers), strict=True)
    return {written: right for written, right in pairs if written != right}
