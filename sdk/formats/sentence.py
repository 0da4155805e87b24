"""NMEA 0183 sentences: one line decoded by `pynmea2` into values, a position and a time of day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple, Protocol, cast

from sdk.libraries import library
from sdk.timestamps import NS_PER_SECOND

NS_PER_DAY = 86_400 * NS_PER_SECOND
COORDINATE_DECIMALS = 9

_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3])([0-5]\d)([0-5]\d)(?:\.(\d{1,9})\d*)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{0,15})?|[+-]?\.\d{1,15}", re.ASCII)
_ADDRESS = re.compile(rb"[$!](P)([A-Z0-9]{3})|[$!]([A-Z]{2})([A-Z0-9]{3}),")
_AFTER_BINARY = re.compile(rb"[$!][A-Z]{2}[A-Z0-9]{3},[ -~]*\r?\n?\Z")
_AS_TEXT = frozenset({"timestamp", "datestamp"})


class Source(NamedTuple):
    """The talker and the sentence type that a line names."""

    talker: str
    kind: str


UNKNOWN = Source("unknown", "line")


class Sentence(NamedTuple):
    """A decoded sentence; `date` only where it is certain (an active RMC, or a ZDA)."""

    kind: str
    fields: dict[str, object]
    position: dict[str, object] | None
    time_of_day_ns: int | None
    date: date | None


class _Message(Protocol):
    fields: Sequence[tuple[object, ...]]
    data: Sequence[str]


class _Fix(_Message, Protocol):
    latitude: float
    longitude: float
    is_valid: bool


def source_of(line: bytes) -> Source:
    """Who says a line and what kind it is, read from its first characters only."""
    match = _ADDRESS.match(line)
    if match is None:
        return UNKNOWN
    proprietary, maker, talker, kind = match.groups()
    first, second = (proprietary, maker) if proprietary else (talker, kind)
    return Source(first.decode(), second.decode())


def split_binary(line: bytes) -> tuple[bytes, ...]:
    """A line as binary output of the same receiver and the sentence behind it, if it holds both."""
    match = _AFTER_BINARY.search(line)
    if match is None or match.start() == 0:
        return (line,)
    return line[: match.start()], line[match.start() :]


def decode(line: bytes) -> Sentence | None:
    """The sentence of a line; None where `pynmea2` refuses it."""
    pynmea2 = library("pynmea2")
    try:
        message = cast(_Message, pynmea2.parse(line.decode("ascii")))
    except (UnicodeDecodeError, pynmea2.ParseError):
        return None
    source = source_of(line)
    fields = _fields(message)
    named = {"talker": source.talker, "type": source.kind}
    payload = named | {f"{name}_" if name in named else name: v for name, v in fields.items()}
    time = fields.get("timestamp")
    return Sentence(
        source.kind,
        payload,
        _position(source.kind, cast(_Fix, message), fields),
        time_of_day(time) if isinstance(time, str) else None,
        _date(source.kind, fields),
    )


def _fields(message: _Message) -> dict[str, object]:
    """Every field that is there, by pynmea2's name for it; those that have none by their number."""
    names = [str(field[1]) for field in message.fields]
    found: dict[str, object] = {}
    for index, text in enumerate(message.data):
        name = names[index] if index < len(names) else f"field_{index + 1}"
        if text:
            found[name] = text if name in _AS_TEXT else _value(text)
    return found


def _value(text: str) -> object:
    """A field as a number where it is one."""
    if _NUMBER.fullmatch(text) is None:
        return text
    return float(text) if "." in text else int(text)


def time_of_day(text: str) -> int | None:
    """Nanoseconds since midnight of `hhmmss.sss`; None where it is no time."""
    match = _TIME_OF_DAY.fullmatch(text)
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups()
    whole = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return whole * NS_PER_SECOND + int((fraction or "").ljust(9, "0"))


def _has_fix(kind: str, message: _Fix, fields: dict[str, object]) -> bool:
    """Whether a receiver stands by its position; pynmea2 would demand a navigational status too."""
    if kind == "RMC":
        return fields.get("status") == "A" and fields.get("mode_indicator") != "N"
    return kind == "GGA" and message.is_valid


def _date(kind: str, fields: dict[str, object]) -> date | None:
    try:
        if kind == "RMC" and fields.get("status") == "A":
            return datetime.strptime(str(fields["datestamp"]), "%d%m%y").replace(tzinfo=UTC).date()
        if kind == "ZDA":
            year, month, day = (int(str(fields[name])) for name in ("year", "month", "day"))
            return date(year, month, day)
    except (KeyError, ValueError):
        return None
    return None


def _position(kind: str, message: _Fix, fields: dict[str, object]) -> dict[str, object] | None:
    """Where a fix is; None without one."""
    if not _has_fix(kind, message, fields) or "lat" not in fields or "lon" not in fields:
        return None
    try:
        latitude, longitude = message.latitude, message.longitude
    except ValueError:
        return None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return None
    position: dict[str, object] = {
        "latitude": round(latitude, COORDINATE_DECIMALS),
        "longitude": round(longitude, COORDINATE_DECIMALS),
    }
    altitude = fields.get("altitude")
    if isinstance(altitude, int | float):
        position["altitude"] = altitude
    return position
