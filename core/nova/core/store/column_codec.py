"""Arrays of numbers as bytes: integers as unsigned offsets from their least, in as few bytes as
these need; times as differences of neighbours; floats as scaled decimals where that gives back
every bit, otherwise byte by byte, so that equal bytes lie together for RocksDB's compression.

An encoded array is a form (1 byte), width (1), exponent (1), count (4), base (8), and the values.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from nova.core.errors import DerivedDamagedError

Integers = NDArray[np.int64]
Numbers = NDArray[np.float64]

_HEAD = struct.Struct("<cBBIq")
_INTEGERS, _DELTAS, _DECIMALS, _FLOATS = b"i", b"d", b"n", b"f"
_WIDTHS = ((0, 0), (1, 0xFF), (2, 0xFFFF), (4, 0xFFFF_FFFF), (8, 2**64 - 1))
_UNSIGNED = {1: "<u1", 2: "<u2", 4: "<u4", 8: "<u8"}
_FLOAT_TYPES = {4: "<f4", 8: "<f8"}

EXPONENTS = range(7)
"""Decimal places that are tried."""

PROBED_VALUES = 16
"""Values that choose the exponent; all have to fit it."""

EXACT_MAX = 2.0**53


def encode_integers(values: Integers) -> bytes:
    return _offsets(_INTEGERS, 0, values)


def encode_times(values: Integers) -> bytes:
    """Times in ns, best in order. Differences wrap around, so any int64 times are exact."""
    if len(values) == 0:
        return encode_integers(values)
    first = _HEAD.pack(_DELTAS, 0, 0, len(values), int(values[0]))
    return first + encode_integers(np.diff(values.view(np.uint64)).view(np.int64))


def encode_numbers(values: Numbers) -> bytes:
    """Floats; every bit comes back, those of NaN and negative zero too."""
    exponent = _exponent(values)
    if exponent is not None:
        return _offsets(_DECIMALS, exponent, _scaled(values, exponent))
    kind = "<f8"
    with np.errstate(over="ignore", invalid="ignore"):
        short = values.astype("<f4")
    if _is_same(short.astype(np.float64), values):
        kind, values = "<f4", short  # half the bytes
    width = np.dtype(kind).itemsize
    planes = np.ascontiguousarray(values, dtype=kind).view(np.uint8).reshape(-1, width)
    head = _HEAD.pack(_FLOATS, width, 0, len(values), 0)
    return head + np.ascontiguousarray(planes.T).tobytes()


def decode_integers(encoded: bytes) -> Integers:
    """Integers or times; raises DerivedDamagedError."""
    try:
        form, _, _, count, base = _HEAD.unpack_from(encoded)
        if form == _INTEGERS:
            return _integers(encoded)
        if form == _DELTAS:
            return _times(encoded, count, base)
    except (struct.error, ValueError, KeyError, IndexError) as error:
        raise _damage(error) from error
    raise _damage(f"form {form!r} of integers")


def decode_numbers(encoded: bytes) -> Numbers:
    """Raises DerivedDamagedError."""
    try:
        form, width, _, count, _ = _HEAD.unpack_from(encoded)
        if form == _DECIMALS:
            return _decimals(encoded)
        if form == _FLOATS:
            planes = np.frombuffer(encoded, np.uint8, offset=_HEAD.size).reshape(width, count)
            floats = np.ascontiguousarray(planes.T).reshape(-1).view(_FLOAT_TYPES[width])
            return floats.astype(np.float64, copy=False)
    except (struct.error, ValueError, KeyError) as error:
        raise _damage(error) from error
    raise _damage(f"form {form!r} of numbers")


def _times(encoded: bytes, count: int, first: int) -> Integers:
    _, width, _, _, step = _HEAD.unpack_from(encoded, _HEAD.size)
    start = np.int64(first).view(np.uint64)
    if width == 0:  # steady
        steps = np.arange(count, dtype=np.uint64) * np.int64(step).view(np.uint64)
        return (steps + start).view(np.int64)
    times = np.empty(count, np.uint64)
    offsets = np.frombuffer(encoded, _UNSIGNED[width], count - 1, 2 * _HEAD.size)
    times[0] = start
    np.add(offsets, np.int64(step).view(np.uint64), out=times[1:])
    return np.cumsum(times, out=times).view(np.int64)


def _decimals(encoded: bytes) -> Numbers:
    _, width, exponent, count, base = _HEAD.unpack_from(encoded)
    if width in (0, 8):
        values = _integers(encoded).astype(np.float64)
    else:
        values = np.frombuffer(encoded, _UNSIGNED[width], count, _HEAD.size).astype(np.float64)
        values += float(base)  # exact, since all three are integers below 2^53
    if exponent:
        values /= 10.0**exponent
    return values


def _damage(reason: object) -> DerivedDamagedError:
    return DerivedDamagedError(f"a block of the samples cannot be decoded: {reason}")


def _offsets(form: bytes, exponent: int, values: Integers) -> bytes:
    count = len(values)
    base = int(values.min()) if count else 0
    reach = int(values.max()) - base if count else 0
    width = next(width for width, most in _WIDTHS if reach <= most)
    head = _HEAD.pack(form, width, exponent, count, base)
    if width == 0:
        return head
    offsets = values.view(np.uint64) - np.int64(base).view(np.uint64)
    return head + offsets.astype(_UNSIGNED[width]).tobytes()


def _integers(encoded: bytes) -> Integers:
    _, width, _, count, base = _HEAD.unpack_from(encoded)
    if width == 0:
        return np.full(count, base, np.int64)
    offsets = np.frombuffer(encoded, _UNSIGNED[width], count, _HEAD.size)
    return (offsets.astype(np.uint64) + np.int64(base).view(np.uint64)).view(np.int64)


def _exponent(values: Numbers) -> int | None:
    """The decimal places with which integers give back every bit of the values; None if none do."""
    if not len(values):
        return 0
    greatest = float(np.abs(values).max())
    if not greatest < EXACT_MAX:  # NaN and infinities among them
        return None
    probe = values[:: max(1, len(values) // PROBED_VALUES)]
    for exponent in EXPONENTS:
        if greatest * 10.0**exponent >= EXACT_MAX:
            return None
        if _fits(probe, exponent) and _fits(values, exponent):
            return exponent
    return None


def _fits(values: Numbers, exponent: int) -> bool:
    back = _scaled(values, exponent).astype(np.float64)
    return _is_same(back / 10.0**exponent if exponent else back, values)


def _scaled(values: Numbers, exponent: int) -> Integers:
    return np.rint(values * 10.0**exponent if exponent else values).astype(np.int64)


def _is_same(left: Numbers, right: Numbers) -> bool:
    return np.array_equal(left.view(np.int64), right.view(np.int64))
