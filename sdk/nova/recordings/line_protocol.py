"""InfluxDB's line protocol: `measurement,tag=value field=1.5,count=3i 1465839830100400200`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from nova.sdk.errors import NovaError

_MEASUREMENT = re.compile(r"((?:\\.|[^\\, ])+)")
_TAG = re.compile(r",((?:\\.|[^\\,= ])+)=((?:\\.|[^\\,= ])+)")
_FIELD = re.compile(
    r'((?:\\.|[^\\,= ])+)=("(?:\\.|[^"\\])*"|[^", ]+)(?=[, ]|$)',
)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"(-?\d{1,20})[iu]", re.ASCII)
_TIME = re.compile(r"-?\d{1,19}", re.ASCII)
_ESCAPED = re.compile(r"\\([,= ])")
_ESCAPED_TEXT = re.compile(r'\\(["\\])')
_TRUE = {"t", "T", "true", "True", "TRUE"}
_FALSE = {"f", "F", "false", "False", "FALSE"}


class LineProtocolError(NovaError):
    """A line that is not of the protocol."""


class Point(NamedTuple):
    """A line: its fields and tags, and its time in the unit of the file, if it has one."""

    measurement: str
    tags: dict[str, str]
    fields: dict[str, object]
    time: int | None


def parse_point(line: str) -> Point:
    """Parse a line; raises LineProtocolError."""
    match = _MEASUREMENT.match(line)
    if match is None:
        raise LineProtocolError("no measurement at its begin")
    measurement, at = _plain(match[1]), match.end()
    tags: dict[str, str] = {}
    while (tag := _TAG.match(line, at)) is not None:
        tags[_plain(tag[1])] = _plain(tag[2])
        at = tag.end()
    if line[at : at + 1] != " ":
        raise LineProtocolError(f"no fields behind its tags, at character {at + 1}")
    fields, at = _fields(line, at)
    rest = line[at:].strip()
    if rest and _TIME.fullmatch(rest) is None:
        raise LineProtocolError(f"{rest[:40]!r} is neither a field nor a time")
    return Point(measurement, tags, fields, int(rest) if rest else None)


def _fields(line: str, at: int) -> tuple[dict[str, object], int]:
    """The fields from a blank on, and where they end."""
    fields: dict[str, object] = {}
    for match in _field_matches(line, at + len(line[at:]) - len(line[at:].lstrip(" "))):
        fields[_plain(match[1])] = _value(match[2])
        at = match.end()
    if not fields:
        raise LineProtocolError(f"no field at character {at + 2}")
    return fields, at


def _field_matches(line: str, at: int) -> Iterator[re.Match[str]]:
    while (match := _FIELD.match(line, at)) is not None:
        yield match
        if line[match.end() : match.end() + 1] != ",":
            return
        at = match.end() + 1
    raise LineProtocolError(f"no field at character {at + 1}")


def _value(text: str) -> object:
    if text.startswith('"'):
        return _ESCAPED_TEXT.sub(r"\1", text[1:-1])
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if (whole := _WHOLE.fullmatch(text)) is not None:
        return int(whole[1])
    if _NUMBER.fullmatch(text) is not None:
        return float(text)
    raise LineProtocolError(f"the value {text[:40]!r} is of no type of the protocol")


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
