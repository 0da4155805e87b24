"""A record becomes one line of JSON, of bounded length, whatever its members are."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import msgspec

from nova.sdk.log_format import LINE_MAX_CHARS, JsonFormatter


def record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    """A log record as a logger makes it."""
    made = logging.LogRecord("nova.core.writer", logging.WARNING, "", 0, message, args, None)
    vars(made).update(extra)
    return made


def line(made: logging.LogRecord) -> dict[str, object]:
    """The line of a record."""
    text = JsonFormatter("writer").format(made)
    assert "\n" not in text and len(text) < 2 * LINE_MAX_CHARS
    return msgspec.json.decode(text.encode(), type=dict[str, object])


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


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def test_members_of_any_kind_are_printed() -> None:
    """File names that are no UTF-8, numbers as keys, huge numbers, names that the line has itself,
    arguments that do not fit, and a value that has no text.
    """
    name = os.fsdecode(b"\xff.csv")
    odd = {"file": name, "keys": {1: 2}, "many": 2**200, "value": Unprintable(), "level": "high"}
    found = line(record("%d of %d", "one", context=odd))
    assert (
        found["file"] == r"\udcff.csv" and found["level_"] == "high" and found["level"] == "warning"
    )
    assert "one" in str(found["message"]) and "cannot be printed" in str(found["value"])


def test_a_long_line_keeps_its_begin_and_the_end_of_its_texts() -> None:
    text = "begin" + "x" * 1_000_000 + "end"
    further: dict[str, object] = {f"m{n}": "y" * 100_000 for n in range(100)}
    found = line(record(text, context={"rows": ["z"] * 100_000, **further}))
    shown = str(found["message"])
    assert shown.startswith("begin") and shown.endswith("end") and len(shown) < 10_000
    assert int(str(found["shortenedFromChars"])) > 11_000_000 // 2
