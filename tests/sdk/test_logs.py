"""Logs are lines of JSON, whatever is logged."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import msgspec

from nova.sdk.logs import JsonFormatter


def record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    """A log record as a logger makes it."""
    made = logging.LogRecord("nova.core.writer", logging.WARNING, "", 0, message, args, None)
    vars(made).update(extra)
    return made


def line(made: logging.LogRecord) -> dict[str, object]:
    """The line of a record."""
    text = JsonFormatter("writer").format(made)
    assert "\n" not in text
    return msgspec.json.decode(text, type=dict[str, object])


def test_a_line_says_when_who_and_what() -> None:
    """A-297: time, level, process, logger, message and context."""
    made = record("took %d", 7, context={"link": "kafka://a", "count": 3})
    made.created = 1.5
    assert line(made) == {
        "time": "1970-01-01T00:00:01.500000000Z",
        "level": "warning",
        "process": "writer",
        "logger": "nova.core.writer",
        "message": "took 7",
        "link": "kafka://a",
        "count": 3,
    }


def test_an_exception_and_odd_values_are_still_one_line() -> None:
    """A-297: logging never fails on what it logs."""
    try:
        raise ValueError("two\nlines")
    except ValueError:
        made = record("failed", context={"path": Path("/x"), "error": OSError("no")})
        made.exc_info = sys.exc_info()
    found = line(made)
    assert (found["path"], found["error"]) == ("/x", "no")
    assert "two\nlines" in str(found["exception"])
