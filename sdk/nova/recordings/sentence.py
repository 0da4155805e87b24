"""NMEA 0183 sentences: decodes a line with `pynmea2` into values, a position and a time of day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple, Protocol, cast

from nova.recordings.logged_line import nmea_checksum
from nova.sdk.optional_imports import import_optional
from nova.sdk.timestamps import NS_PER_SECOND

NS_PER_DAY = 86_400 * NS_PER_SECOND
COORDINATE_DECIMALS = 9

_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3])([0-5]\d)([0-5]\d)(?:\.(\d{1,9})\d*)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{0,15})?|[+-]?\.\d{1,15}", re.ASCII)
_PART_OF_DATE = re.compile(r"\d{1,4}", re.ASCII)
_ADDRESS = re.compile(rb"[$!](P)([A-Z0-9]{3})|[$!]([A-Z]{2})([A-Z0-9]{3}),")
_CHECKSUM = re.compile(rb"\*[0-9A-Fa-f]{2}\Z")
_LATITUDE = re.compile(r"(\d{1,2})(\d\d\.\d*)", re.ASCII)
_LONGITUDE = re.compile(r"(\d{1,3})(\d\d\.\d*)", re.ASCII)
_DEGREE_DIGITS = {"lat": 2, "lon": 3}
_LEAP_SECOND = re.compile(r"235960(?:\.(\d{1,9})\d*)?", re.ASCII)
_FIELDS_MIN = {"RMC": 11, "GGA": 14, "GNS": 12, "GLL": 6, "ZDA": 6}
"""The least number of fields; with fewer and without a checksum, the sentence is cut."""
YEARS = range(1980, 2262)
"""Years in which a receiver's date is accepted."""

CUT = "cut: no checksum and not all fields; no position, and not the last field"
DAMAGED = "raw only: damaged, the checksum does not match the sentence"
UNDECODABLE = "raw only: not a sentence that pynmea2 can read"
_AS_TEXT = frozenset({"timestamp", "datestamp"})


class SentenceSource(NamedTuple):
    """A line's talker and sentence type."""

    talker: str
    kind: str


UNKNOWN = SentenceSource("unknown", "line")


class Sentence(NamedTuple):
    """A decoded sentence. `has_fix` is None if it does not say."""

    kind: str
    fields: dict[str, object]
    position: dict[str, object] | None
    time_of_day_ns: int | None
    date: date | None
    has_fix: bool | None
    is_cut: bool = False


class _Pynmea2Message(Protocol):
    fields: Sequence[tuple[object, ...]]
    data: Sequence[str]


def parse_source(line: bytes) -> SentenceSource:
    """The talker and type of a line, from its first characters only."""
    match = _ADDRESS.match(line)
    if match is None:
        return UNKNOWN
    proprietary, maker, talker, kind = match.groups()
    first, second = (proprietary, maker) if proprietary else (talker, kind)
    return SentenceSource(first.decode(), second.decode())


def decode(line: bytes) -> Sentence | None:
    """The sentence of a line; None if `pynmea2` cannot read it."""
    pynmea2 = import_optional("pynmea2")
    text = line.strip()
    try:
        message = cast(_Pynmea2Message, pynmea2.parse(text.decode("ascii")))
    except Exception:  # Beside ParseError it raises IndexError for proprietary ones without fields.
        return None
    source = parse_source(text)
    is_checked = _CHECKSUM.search(text) is not None
    is_cut = not is_checked and len(message.data) < _FIELDS_MIN.get(source.kind, 0)
    texts = _texts(message, message.data[:-1] if is_cut else message.data)
    fields = {name: text if name in _AS_TEXT else _value(text) for name, text in texts.items()}
    named = {"talker": source.talker, "type": source.kind}
    payload = named | {f"{name}_" if name in named else name: v for name, v in fields.items()}
    place = None if is_cut else _coordinates(texts, is_checked)
    fix = None if is_cut else _has_fix(source.kind, texts)
    return Sentence(
        source.kind,
        payload,
        _position(place, fields.get("altitude")) if fix else None,
        time_of_day(texts.get("timestamp", "")),
        None if is_cut else _date(source.kind, texts),
        fix,
        is_cut,
    )


def damage_reason(line: bytes) -> str:
    """Why a line cannot be decoded."""
    head, star, checksum = line.strip().rpartition(b"*")
    if (
        star
        and parse_source(head) != UNKNOWN
        and checksum.upper() != b"%02X" % nmea_checksum(head[1:])
    ):
        return DAMAGED
    return UNDECODABLE


def _texts(message: _Pynmea2Message, data: Sequence[str]) -> dict[str, str]:
    """Every non-empty field by pynmea2's name for it; a field without a name by its number."""
    names = [str(field[1]) for field in message.fields]
    found: dict[str, str] = {}
    for index, text in enumerate(data):
        if text:
            found[names[index] if index < len(names) else f"field_{index + 1}"] = text
    return found


def _value(text: str) -> object:
    """A field as a number if it is one."""
    if _NUMBER.fullmatch(text) is None:
        return text
    return float(text) if "." in text else int(text)


def time_of_day(text: str) -> int | None:
    """Nanoseconds since midnight of `hhmmss.sss`; None if it is invalid.

    A leap second becomes the first second of the next day, as in all times that count from 1970.
    """
    leap = _LEAP_SECOND.fullmatch(text)
    if leap is not None:
        return NS_PER_DAY + int((leap[1] or "").ljust(9, "0"))
    match = _TIME_OF_DAY.fullmatch(text)
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups()
    whole = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return whole * NS_PER_SECOND + int((fraction or "").ljust(9, "0"))


def _has_fix(kind: str, texts: dict[str, str]) -> bool | None:
    """Whether the receiver has a fix; None for sentence types that do not say.

    A receiver that reports 0/0 has none. The navigational status is ignored, as many give none.
    """
    if kind == "UBX" and "nav_stat" in texts:
        return _upper(texts, "nav_stat") != "NF"
    if kind not in ("RMC", "GLL", "GGA", "GNS"):
        return None
    if _is_zero(texts, "lat") and _is_zero(texts, "lon"):
        return False
    if kind == "GGA":
        return texts.get("gps_qual", "").lstrip("0") in tuple("12345")
    mode = _upper(texts, "faa_mode" if kind == "GLL" else "mode_indicator")
    if kind == "GNS":
        return any(letter in "ADEFPR" for letter in mode)
    return _upper(texts, "status") == "A" and mode != "N"


def _is_zero(texts: dict[str, str], name: str) -> bool:
    return not texts.get(name, "none").strip("0.")


def _upper(texts: dict[str, str], name: str) -> str:
    return texts.get(name, "").upper()


def _date(kind: str, texts: dict[str, str]) -> date | None:
    try:
        if kind == "RMC":
            found = datetime.strptime(texts["datestamp"], "%d%m%y").replace(tzinfo=UTC).date()
        elif kind == "ZDA":
            found = date(*(_digits(texts[name]) for name in ("year", "month", "day")))
        else:
            return None
    except (KeyError, ValueError):
        return None
    return found if found.year in YEARS else None


def _digits(text: str) -> int:
    """A part of a date; raises ValueError. `int` alone would take blanks, `_` and any size."""
    if _PART_OF_DATE.fullmatch(text) is None:
        raise ValueError(f"{text[:16]!r} is no part of a date")
    return int(text)


def _coordinates(texts: dict[str, str], is_checked: bool) -> tuple[float, float] | None:
    """Latitude and longitude, if both are complete with their hemispheres."""
    latitude = _degrees(texts, "lat", _LATITUDE, "NS", is_checked)
    longitude = _degrees(texts, "lon", _LONGITUDE, "EW", is_checked)
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return latitude, longitude


def _degrees(
    texts: dict[str, str], name: str, form: re.Pattern[str], signs: str, is_checked: bool
) -> float | None:
    """A coordinate. Without a checksum all its digits are required, since some may be lost."""
    match = form.fullmatch(texts.get(name, ""))
    sign = _upper(texts, f"{name}_dir")
    if match is None or len(sign) != 1 or sign not in signs:
        return None
    degrees, minutes = match.groups()
    if float(minutes) >= 60 or not (is_checked or len(degrees) == _DEGREE_DIGITS[name]):
        return None
    whole = float(degrees) + float(minutes) / 60
    return round(whole if sign == signs[0] else -whole, COORDINATE_DECIMALS)


def _position(place: tuple[float, float] | None, altitude: object) -> dict[str, object] | None:
    """The position of a fix; None without coordinates."""
    if place is None:
        return None
    position: dict[str, object] = {"latitude": place[0], "longitude": place[1]}
    if isinstance(altitude, int | float):
        position["altitude"] = altitude
    return position
