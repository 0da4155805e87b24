"""Times in their normal form, parsed many at a time: neighbours mostly share their second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nova.sdk import timestamps
from nova.sdk.errors import TimestampError
from nova.sdk.timestamps import NORMAL_CHARS, NS_PER_SECOND

SECOND_CHARS = len("2026-01-01T00:00:00")
SECONDS_RANGE = range(timestamps.NS_MIN // NS_PER_SECOND + 1, timestamps.NS_MAX // NS_PER_SECOND)
"""Whole seconds within int64 nanoseconds."""

CACHED_MAX_SECONDS = 100_000
NO_TIME = b"?" * NORMAL_CHARS
_FRACTION = slice(SECOND_CHARS + 1, NORMAL_CHARS - 1)
_ZERO = ord("0")
_DIGIT_VALUES = 10 ** np.arange(8, -1, -1, dtype=np.int64)


class ParsedTimes(NamedTuple):
    """Times in ns since 1970, and which of the texts are a time in the normal form."""

    ns: NDArray[np.int64]
    is_valid: NDArray[np.bool_]


class TimeTexts:
    """Parses texts, and remembers their seconds. Seconds at the very ends of the range count as no
    time.
    """

    def __init__(self) -> None:
        self._seconds: dict[bytes, int | None] = {}

    def parse(self, texts: bytes) -> ParsedTimes:
        """Parse texts of NORMAL_CHARS bytes each, one behind the other."""
        table = np.frombuffer(texts, np.uint8).reshape(-1, NORMAL_CHARS)
        whole = table[:, :SECOND_CHARS]
        is_first = np.ones(len(table), np.bool_)
        is_first[1:] = (whole[1:] != whole[:-1]).any(axis=1)
        firsts = np.flatnonzero(is_first)
        seconds = [self._second(one.tobytes()) for one in whole[firsts]]
        counts = np.diff(firsts, append=len(table))
        digits = table[:, _FRACTION] - np.uint8(_ZERO)
        is_valid = (digits <= 9).all(axis=1)
        is_valid &= (table[:, SECOND_CHARS] == ord(".")) & (table[:, -1] == ord("Z"))
        is_valid &= np.repeat([second is not None for second in seconds], counts)
        base = np.array([second or 0 for second in seconds], np.int64) * NS_PER_SECOND
        return ParsedTimes(np.repeat(base, counts) + digits @ _DIGIT_VALUES, is_valid)

    def _second(self, text: bytes) -> int | None:
        """Seconds since 1970; None of no such second."""
        if text not in self._seconds:
            if len(self._seconds) >= CACHED_MAX_SECONDS:
                self._seconds.clear()
            self._seconds[text] = _parsed_second(text)
        return self._seconds[text]


def _parsed_second(text: bytes) -> int | None:
    try:
        second = timestamps.parse(f"{text.decode()}Z") // NS_PER_SECOND
    except (ValueError, TimestampError):
        return None
    return second if second in SECONDS_RANGE else None


def normal_texts(texts: Sequence[bytes]) -> list[bytes]:
    """The normal form of each text; NO_TIME for one that is no time."""
    return [text if len(text) == NORMAL_CHARS else _normal(text) for text in texts]


def _normal(text: bytes) -> bytes:
    second, fraction = text[:SECOND_CHARS], text[SECOND_CHARS:]
    if fraction == b"Z":
        return second + b".000000000Z"
    is_short = len(".1Z") <= len(fraction) < NORMAL_CHARS - SECOND_CHARS
    if is_short and fraction[:1] == b"." and fraction[-1:] == b"Z":
        return text[:-1].ljust(NORMAL_CHARS - 1, b"0") + b"Z"
    try:
        return timestamps.normal(text.decode()).encode()
    except (ValueError, TimestampError):
        return NO_TIME
