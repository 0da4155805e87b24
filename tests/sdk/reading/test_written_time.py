"""Times as people and programs write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.sdk import timestamps
from nova.sdk.errors import TimestampError
from nova.sdk.reading.written_time import written_time

NOW_NS = timestamps.parse("2026-01-31T12:00:00Z")


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("now", "2026-01-31T12:00:00.000000000Z"),
        (" now-15m ", "2026-01-31T11:45:00.000000000Z"),
        ("now+2d", "2026-02-02T12:00:00.000000000Z"),
        ("now-1w", "2026-01-24T12:00:00.000000000Z"),
        ("now-250ms", "2026-01-31T11:59:59.750000000Z"),
        ("1767225600000", "2026-01-01T00:00:00.000000000Z"),
        ("-1", "1969-12-31T23:59:59.999000000Z"),
        ("2026-01-31T13:00:00+01:00", "2026-01-31T12:00:00.000000000Z"),
    ],
)
def test_each_form(text: str, time: str) -> None:
    assert written_time(text, NOW_NS) == time


@pytest.mark.parametrize("text", ["", "now-", "now-1y", "now-1.5h", "2026-01-31", "1.5", "０"])
def test_what_is_no_time(text: str) -> None:
    """The error says what would be one."""
    with pytest.raises(TimestampError, match="milliseconds since 1970, or now-15m"):
        written_time(text, NOW_NS)


@pytest.mark.parametrize("text", ["now-999999999999w", "9999999999999999", "2300-01-01T00:00:00Z"])
def test_times_that_cannot_be_stored(text: str) -> None:
    with pytest.raises(TimestampError, match="is outside 1677"):
        written_time(text, NOW_NS)


@given(st.integers(timestamps.NS_MIN // 10**6 + 1, timestamps.NS_MAX // 10**6 - 1))
def test_every_millisecond(ms: int) -> None:
    """Of all that there are (property)."""
    assert timestamps.parse(written_time(str(ms), NOW_NS)) == ms * 10**6
