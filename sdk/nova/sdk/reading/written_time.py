"""Times as people and programs write them: ISO 8601, milliseconds since 1970, relative to now."""

from __future__ import annotations

import re

from nova.sdk import timestamps
from nova.sdk.errors import TimestampError
from nova.sdk.timestamps import NS_MAX, NS_MIN

NS_PER_MS = 1_000_000
FORMS = "an ISO 8601 time with Z or an offset, milliseconds since 1970, or now-15m"

_UNITS_NS = {
    "ms": NS_PER_MS,
    "s": 1_000 * NS_PER_MS,
    "m": 60_000 * NS_PER_MS,
    "h": 3_600_000 * NS_PER_MS,
    "d": 86_400_000 * NS_PER_MS,
    "w": 7 * 86_400_000 * NS_PER_MS,
}
_RELATIVE = re.compile(r"now(?:([+-])(\d{1,12})(ms|[smhdw]))?", re.ASCII)
_MILLISECONDS = re.compile(r"-?\d{1,16}", re.ASCII)


def written_time(written: str, now_ns: int) -> str:
    """The time as protocol messages have it; raises TimestampError."""
    written = written.strip()
    if _MILLISECONDS.fullmatch(written):
        return _text(written, int(written) * NS_PER_MS)
    relative = _RELATIVE.fullmatch(written)
    if relative is None:
        return _checked(written)
    sign, count, unit = relative.groups()
    shift_ns = 0 if sign is None else int(f"{sign}{count}") * _UNITS_NS[unit]
    return _text(written, now_ns + shift_ns)


def _checked(written: str) -> str:
    try:
        return timestamps.normal(written)
    except TimestampError as error:
        if "outside" in str(error):
            raise
        raise TimestampError(f"{written[:64]!r} is not {FORMS}") from None


def _text(written: str, ns: int) -> str:
    if not NS_MIN <= ns <= NS_MAX:
        raise TimestampError(
            f"{written[:64]!r} is outside 1677-09-21 to 2262-04-11 (int64 nanoseconds)"
        )
    return timestamps.text(ns)
