"""Parses the texts of many stored times at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nova.core.store.column_codec import Integers
from nova.sdk import timestamps
from nova.sdk.timestamps import NORMAL_CHARS, NS_PER_SECOND

_ZERO = ord("0")
_NORMAL = np.frombuffer(b"0000-00-00T00:00:00.000000000Z", np.uint8)
_DIGITS, _MARKS = np.flatnonzero(_NORMAL == _ZERO), np.flatnonzero(_NORMAL != _ZERO)
_MARK_CHARACTERS = _NORMAL[_MARKS]
_YEAR, _MONTH, _DAY = range(4), (5, 6), (8, 9)
_HOUR, _MINUTE, _SECOND, _FRACTION = (11, 12), (14, 15), (17, 18), range(20, 29)
_DAYS_BEFORE = np.array([0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334], np.int64)
"""Days of a common year before each month, by its number."""

_EPOCH_DAYS = 719_162
"""Days from 1 January of the year 1 to that of 1970."""


def accepted_times(texts: Sequence[str]) -> Integers:
    """Nanoseconds since 1970 of texts that `timestamps.parse` accepted before."""
    joined = "".join(texts)
    if len(joined) == NORMAL_CHARS * len(texts) and joined.isascii():
        characters = np.frombuffer(joined.encode(), np.uint8).reshape(-1, NORMAL_CHARS)
        if (characters[:, _MARKS] == _MARK_CHARACTERS).all():
            digits = np.ascontiguousarray(characters.T).astype(np.int64) - _ZERO
            if (digits[_DIGITS] >= 0).all() and (digits[_DIGITS] <= 9).all():
                return _parse(digits)
    return np.array([timestamps.parse_accepted(text) for text in texts], np.int64)


def _parse(digits: Integers) -> Integers:
    """The times of texts in the normal form, as columns of digits."""
    year, month, day, hour, minute, second, fraction = (
        _number(digits, places)
        for places in (_YEAR, _MONTH, _DAY, _HOUR, _MINUTE, _SECOND, _FRACTION)
    )
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 - _EPOCH_DAYS
    is_leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    days += _DAYS_BEFORE[month] + (is_leap & (month > 2)) + day - 1
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
    # At the ends of int64, the product wraps around and the sum wraps back.
    return seconds * NS_PER_SECOND + fraction


def _number(digits: Integers, places: Sequence[int]) -> Integers:
    number = np.zeros(digits.shape[1], np.int64)
    for place in places:
        number = number * 10 + digits[place]
    return number
