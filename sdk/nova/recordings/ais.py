"""AIS: decodes ships' messages from VDM and VDO sentences; the MMSI identifies the sender.

Bit positions and scales follow ITU-R M.1371. For message types without an entry here only type and
sender are decoded; their bits are in the raw lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from nova.recordings.logged_line import nmea_checksum

KIND = "AIS"
CONTAINER_ID = "ais"
GROUPS_MAX = 64
"""Multi-sentence messages that are pending at a time."""
MISSING_PART = "raw only: a part of an AIS message whose earlier parts are missing"
UNREADABLE = "raw only: an AIS sentence that is cut, damaged or names no sender"
HEADER_BITS = 38

_VDM = re.compile(
    rb"!(..)(?:VDM|VDO),([1-9]),([1-9]),(\d?),([ABab12]?),([0-W`-w]{1,82}),([0-5])\*(..)", re.DOTALL
)
_TEXT = "@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_ !\"#$%&'()*+,-./0123456789:;<=>?"


class AisMessage(NamedTuple):
    """A message's sender (MMSI), its fields, and its position if it has one."""

    mmsi: str
    fields: dict[str, object]
    position: dict[str, object] | None


class _PositionLayout(NamedTuple):
    """The bit offsets of a position report's fields; None for a field that the type lacks."""

    longitude: int
    latitude: int
    speed: int | None = None
    course: int | None = None
    heading: int | None = None


_POSITION_LAYOUTS = {
    **dict.fromkeys((1, 2, 3), _PositionLayout(61, 89, 50, 116, 128)),
    4: _PositionLayout(79, 107),
    9: _PositionLayout(61, 89, None, 116),
    11: _PositionLayout(79, 107),
    **dict.fromkeys((18, 19), _PositionLayout(57, 85, 46, 112, 124)),
    21: _PositionLayout(164, 192),
}
_NAME_OFFSETS = {5: 112, 19: 143, 21: 43}
_PER_DEGREE = 600_000


class AisJoiner:
    """Joins the sentences of a message; keeps at most `groups_max` messages in memory."""

    def __init__(self, groups_max: int = GROUPS_MAX) -> None:
        self._groups_max = groups_max
        self._groups: dict[tuple[bytes, ...], list[tuple[bytes, int]]] = {}

    def join(self, sentence: bytes) -> AisMessage | str | None:
        """The message that this sentence completes, None while parts are missing, or a note if it
        cannot be read.
        """
        match = _VDM.fullmatch(sentence)
        if match is None or not _has_valid_checksum(sentence):
            return UNREADABLE
        talker, total, number, group, channel, payload, fill, _ = match.groups()
        if total == b"1":
            return _decode([(payload, int(fill))]) or UNREADABLE
        key = (talker, total, group, channel)
        parts = self._groups.pop(key, [])
        if int(number) == 1:
            parts = []
        if int(number) != len(parts) + 1 or number > total:
            return MISSING_PART
        parts = [*parts, (payload, int(fill))]
        if number == total:
            return _decode(parts) or UNREADABLE
        self._groups[key] = parts
        if len(self._groups) > self._groups_max:
            del self._groups[next(iter(self._groups))]
        return None


def _has_valid_checksum(sentence: bytes) -> bool:
    content, _, checksum = sentence[1:].rpartition(b"*")
    try:
        return nmea_checksum(content) == int(checksum, 16)
    except ValueError:
        return False


def _decode(parts: list[tuple[bytes, int]]) -> AisMessage | None:
    bits = "".join(_bits(payload, fill) for payload, fill in parts)
    if len(bits) < HEADER_BITS:
        return None
    kind = int(bits[:6], 2)
    mmsi = f"{int(bits[8:38], 2):09d}"
    fields: dict[str, object] = {"type": kind, "mmsi": mmsi}
    place = _POSITION_LAYOUTS.get(kind)
    position = None if place is None else _position(bits, place)
    if place is not None:
        fields |= dict(_motion(bits, place))
    name_at = _NAME_OFFSETS.get(kind)
    if kind == 24 and bits[38:40] == "00":
        name_at = 40
    if name_at is not None and len(bits) >= name_at + 120 and (name := _text(bits, name_at, 20)):
        fields["name"] = name
    if kind == 5 and len(bits) >= 422:
        texts = {"callsign": _text(bits, 70, 7), "destination": _text(bits, 302, 20)}
        fields |= {key: value for key, value in texts.items() if value}
        fields["ship_type"] = int(bits[232:240], 2)
    return AisMessage(mmsi, fields | (position or {}), position)


def _bits(payload: bytes, fill: int) -> str:
    values = (byte - 48 if byte < 96 else byte - 56 for byte in payload)
    bits = "".join(f"{value:06b}" for value in values)
    return bits[: len(bits) - fill]


def _position(bits: str, place: _PositionLayout) -> dict[str, object] | None:
    """Degrees; None if the sender does not know them (181 and 91 degrees)."""
    longitude, latitude = _signed(bits, place.longitude, 28), _signed(bits, place.latitude, 27)
    if longitude is None or latitude is None:
        return None
    if abs(longitude) > 180 * _PER_DEGREE or abs(latitude) > 90 * _PER_DEGREE:
        return None
    return {
        "latitude": round(latitude / _PER_DEGREE, 7),
        "longitude": round(longitude / _PER_DEGREE, 7),
    }


def _motion(bits: str, place: _PositionLayout) -> Iterator[tuple[str, object]]:
    """Speed in knots, course and heading in degrees; unknown values are left out."""
    speed = _unsigned(bits, place.speed, 10)
    if speed is not None and speed != 1023:
        yield "speed_knots", speed / 10
    course = _unsigned(bits, place.course, 12)
    if course is not None and course < 3600:
        yield "course", course / 10
    heading = _unsigned(bits, place.heading, 9)
    if heading is not None and heading < 360:
        yield "heading", heading


def _unsigned(bits: str, begin: int | None, size: int) -> int | None:
    if begin is None or len(bits) < begin + size:
        return None
    return int(bits[begin : begin + size], 2)


def _signed(bits: str, begin: int, size: int) -> int | None:
    value = _unsigned(bits, begin, size)
    return value if value is None or value < 1 << (size - 1) else value - (1 << size)


def _text(bits: str, begin: int, chars: int) -> str:
    codes = (int(bits[at : at + 6], 2) for at in range(begin, begin + 6 * chars, 6))
    return "".join(_TEXT[code] for code in codes).split("@")[0].rstrip()
