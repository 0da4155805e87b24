"""librdkafka's log lines in ours."""

from __future__ import annotations

import logging

from nova.transport_kafka.client_log import OncePerInterval

REFUSED = (
    "FAIL [nova#producer-%d] [thrd:a]: Connect to a failed: refused (after %dms in state CONNECT)"
)


def line(text: str) -> logging.LogRecord:
    return logging.LogRecord("librdkafka", logging.ERROR, "", 0, text, None, None)


def test_a_line_that_differs_only_in_its_times_is_a_repeat() -> None:
    """A broker that is away for hours is logged once a minute, not five times a second."""
    lines = OncePerInterval()
    told = [lines.filter(line(REFUSED % (client, ms))) for client in range(3) for ms in range(50)]
    assert told == [True] + [False] * 149
    assert lines.filter(line("FAIL [nova#producer-1] [thrd:b]: Connect to b failed: refused"))


def test_a_line_is_told_again_after_the_interval() -> None:
    """Trouble that lasts stays visible."""
    lines = OncePerInterval(interval_s=0.0)
    assert lines.filter(line("same"))
    assert lines.filter(line("same"))


def test_what_is_remembered_is_bounded() -> None:
    """Texts that never repeat do not pile up: an old one counts as new in the end."""
    lines = OncePerInterval()
    assert lines.filter(line("first"))
    assert all(lines.filter(line(f"text {n}")) for n in range(10_000))
    assert lines.filter(line("first"))
