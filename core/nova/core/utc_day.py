"""UTC days, by name (YYYY-MM-DD) and as spans of canonical time."""

from __future__ import annotations

import re

from nova.sdk import timestamps
from nova.sdk.errors import NovaError, TimestampError
from nova.sdk.timestamps import NS_MAX, NS_MIN, NS_PER_SECOND

NS_PER_DAY = 86_400 * NS_PER_SECOND
DAY_CHARS = len("2026-01-31")

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def day_of(ns: int) -> str:
    return timestamps.text(ns)[:DAY_CHARS]


FIRST_DAY = day_of(NS_MIN)


def is_day(name: str) -> bool:
    """Whether a name has the form YYYY-MM-DD."""
    return _DAY.fullmatch(name) is not None


def span_of(day: str) -> tuple[int, int]:
    """The first and the last nanosecond of a day; raises NovaError unless it is a valid date."""
    try:
        if not is_day(day):
            raise TimestampError(f"{day[:40]!r} is not YYYY-MM-DD")
        if day == FIRST_DAY:  # It begins before the first time that there is.
            return NS_MIN, NS_MIN + -NS_MIN % NS_PER_DAY - 1
        first = timestamps.parse(f"{day}T00:00:00Z")
    except TimestampError as error:
        raise NovaError(f"invalid day: {error}") from None
    return first, min(first + NS_PER_DAY - 1, NS_MAX)
