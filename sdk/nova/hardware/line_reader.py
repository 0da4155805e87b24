"""Lines of a byte stream, and their meaning: NMEA sentences, JSON objects, points, or text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import msgspec

from nova.hardware.device import Output, Parsed, Raw, Reading
from nova.recordings.ais import CONTAINER_ID, KIND, AisJoiner, AisMessage
from nova.recordings.influx import unique_of
from nova.recordings.json_form import fields_of
from nova.recordings.line_protocol import LineProtocolError, parse_point
from nova.recordings.logged_line import parse_logged_line, split_sentences
from nova.recordings.nmea import AIS_KINDS
from nova.recordings.recorded_message import id_of, name_of
from nova.recordings.sentence import decode, parse_source
from nova.recordings.sentence_clock import LiveClock, TalkerFixes
from nova.sdk import address as addresses
from nova.sdk import timestamps
from nova.sdk.events.observation import Entity
from nova.sdk.field_types import JsonObject
from nova.sdk.optional_imports import import_optional

LINE_MAX_BYTES = 8192
"""Longer lines are published in pieces of this size."""

LF_WAIT_S = 0.1
"""How long a CR waits for its LF before it ends a line by itself."""
SAFE_INTEGER_MAX = 2**53 - 1
"""The largest integer that a JSON number of an envelope may be."""
_LINE_END = re.compile(rb"\r+\n?|\n")

LineFormat = Literal["nmea", "json", "influx", "text", "none"]


class LineSplitter:
    """Splits a stream into lines with their ends (LF, CR LF or CR), in bounded memory."""

    def __init__(self, max_bytes: int = LINE_MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Add bytes; returns the lines that are complete, and pieces of those that are too long."""
        found: list[bytes] = []
        data = self._rest + data
        start = 0
        for match in _LINE_END.finditer(data):
            if match.end() == len(data) and not data.endswith(b"\n"):
                break  # The LF of this CR may still come.
            found += self._pieces(data[start : match.end()])
            start = match.end()
        *full, self._rest = self._pieces(data[start:]) or [b""]
        return found + full

    def _pieces(self, line: bytes) -> list[bytes]:
        size = self._max_bytes
        return [line[start : start + size] for start in range(0, len(line), size)]

    @property
    def waiting_bytes(self) -> int:
        """The size of the incomplete line."""
        return len(self._rest)

    @property
    def may_be_ended(self) -> bool:
        """Whether the incomplete line ends with a CR, and is complete unless an LF follows."""
        return self._rest.endswith(b"\r")

    def rest(self) -> list[bytes]:
        """Take out the incomplete line, if there is one."""
        rest, self._rest = self._rest, b""
        return [rest] if rest else []


class LineState(msgspec.Struct):
    """What earlier sentences say of the times of later ones."""

    last_ns: int | None = None
    fixes: dict[str, bool] = {}
    heard_ns: int | None = None


class LineReader:
    """Converts lines to readings: always a raw event, and parsed ones if the line is understood."""

    def __init__(
        self,
        line_format: LineFormat,
        entity: Entity,
        *,
        type_member: str | None = None,
        device_time: bool = False,
        now_ns: Callable[[], int] = timestamps.now,
    ) -> None:
        if line_format == "nmea":
            import_optional("pynmea2")  # Fail at construction if it is not installed.
        self._format = line_format
        self._entity = entity
        self._type_member = type_member
        self._device_time = device_time
        self._now_ns = now_ns
        self._clock = LiveClock()
        self._fixes = TalkerFixes(trust_unknown=False)
        self._ships = AisJoiner()

    def state(self) -> LineState:
        """What the times of the next sentences depend on."""
        return LineState(self._clock.last_ns, dict(self._fixes.states), self._clock.heard_ns)

    def resume(self, state: LineState) -> None:
        """Go on where another reader was."""
        self._clock.last_ns, self._clock.heard_ns = state.last_ns, state.heard_ns
        self._fixes.states = dict(state.fixes)

    def leave_out(self, begin_ns: int, end_ns: int) -> None:
        """Take no silence of the device from a time in which the host read nothing."""
        self._clock.leave_out(begin_ns, end_ns)

    def readings(self, line: bytes, host_ns: int | None = None) -> list[Reading]:
        """The readings of a line; a torn one that contains a second sentence yields both.

        `host_ns` is the host's time at which it was read, by default now.
        """
        if self._format == "nmea":
            host_ns = self._now_ns() if host_ns is None else host_ns
            return [
                reading
                for part in split_sentences(line)
                for reading in self._sentence_readings(part, host_ns)
            ]
        return [self._point(line) if self._format == "influx" else self._reading(line)]

    def _reading(self, line: bytes) -> Reading:
        outputs: list[Output] = [Raw(line)]
        parsed = self._parsed(line)
        if parsed is not None:
            outputs.append(parsed)
        return Reading(self._entity, outputs)

    def _point(self, line: bytes) -> Reading:
        """The parsed event is that of a recording (`nova.recordings.influx`) with times in ns."""
        try:
            point = parse_point(line.decode().rstrip("\r\n"))
        except (LineProtocolError, UnicodeDecodeError):
            return Reading(self._entity, [Raw(line)])
        entity = Entity(self._entity.system_id, id_of(point.measurement), id_of(unique_of(point)))
        payload = fields_of({**point.tags, **point.fields})
        own_ns = point.time if self._device_time else None
        is_time = own_ns is not None and timestamps.NS_MIN <= own_ns <= timestamps.NS_MAX
        outputs: list[Output] = [Raw(line), Parsed(name_of(point.measurement), payload)]
        return Reading(entity, outputs, own_ns if is_time else None)

    def _sentence_readings(self, line: bytes, host_ns: int) -> list[Reading]:
        """The same events as a recording of the sentence would yield (`nova.recordings.nmea`)."""
        sentence, stamp_ns, _ = parse_logged_line(line)
        source = parse_source(sentence)
        entity = Entity(self._entity.system_id, source.talker, source.kind)
        outputs: list[Output] = [Raw(line)]
        if source.kind in AIS_KINDS:
            at_ns = stamp_ns if self._device_time else None
            return [Reading(entity, outputs, at_ns), *self._ship_readings(sentence, at_ns)]
        decoded = decode(sentence)
        times = self._fixes.line_times(source.talker, decoded, stamp_ns)
        at_ns = self._clock.time_ns(times, host_ns) if self._device_time else None
        if decoded is not None:
            outputs.append(Parsed(decoded.kind, decoded.fields))
            if decoded.position is not None:
                outputs.append(Parsed("Position", decoded.position))
        return [Reading(entity, outputs, at_ns)]

    def _ship_readings(self, sentence: bytes, at_ns: int | None) -> list[Reading]:
        message = self._ships.join(sentence)
        if not isinstance(message, AisMessage):
            return []
        ship = Entity(self._entity.system_id, CONTAINER_ID, message.mmsi)
        outputs = [Parsed(KIND, message.fields)]
        if message.position is not None:
            outputs.append(Parsed("Position", message.position))
        return [Reading(ship, outputs, at_ns)]

    def _parsed(self, line: bytes) -> Parsed | None:
        if self._format == "text":
            try:
                return Parsed("Line", {"text": line.decode().rstrip("\r\n")})
            except UnicodeDecodeError:
                return None
        if self._format == "json":
            return self._json(line)
        return None

    def _json(self, line: bytes) -> Parsed | None:
        try:
            payload = msgspec.json.decode(line, type=JsonObject)
            payload = {key: _integers_as_text(value) for key, value in payload.items()}
        except (ValueError, RecursionError):  # Also an integer of more digits than Python prints.
            return None
        name = payload.get(self._type_member) if self._type_member else None
        known = isinstance(name, str) and addresses.is_name(name)
        return Parsed(str(name) if known else "Line", payload)


def _integers_as_text(value: object) -> object:
    """A JSON value with the digits, as text, of integers that an envelope cannot hold."""
    if isinstance(value, dict):
        return {key: _integers_as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_integers_as_text(item) for item in value]
    if isinstance(value, int) and abs(value) > SAFE_INTEGER_MAX:
        return str(value)
    return value
