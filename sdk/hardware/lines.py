"""Lines out of a stream, and what they mean: NMEA sentences, JSON objects, or text."""

from __future__ import annotations

from typing import Literal

import msgspec

from sdk import address as addresses
from sdk import timestamps
from sdk.envelope import JsonObject
from sdk.formats.nmea import AIS, nearest
from sdk.formats.sentence import decode, source_of
from sdk.hardware.device import Output, Parsed, Raw, Reading
from sdk.libraries import library
from sdk.observation import Entity

LINE_MAX_BYTES = 8192
"""Longer lines are published in pieces of this size."""

Meaning = Literal["nmea", "json", "text", "none"]


class LineSplitter:
    """Cuts a stream into lines with their ends, in bounded memory."""

    def __init__(self, max_bytes: int = LINE_MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete, or too long, with these bytes."""
        found = []
        *lines, rest = (self._rest + data).split(b"\n")
        for line in lines:
            found += self._pieces(line + b"\n")
        *full, self._rest = self._pieces(rest) or [b""]
        return found + full

    def _pieces(self, line: bytes) -> list[bytes]:
        size = self._max_bytes
        return [line[start : start + size] for start in range(0, len(line), size)]

    @property
    def waiting_bytes(self) -> int:
        """How much of an unfinished line it holds."""
        return len(self._rest)

    def rest(self) -> bytes:
        """What came behind the last line end, taken out."""
        rest, self._rest = self._rest, b""
        return rest


class LineReader:
    """Turns lines into readings: always a raw event, and parsed ones where it is understood."""

    def __init__(
        self,
        meaning: Meaning,
        entity: Entity,
        *,
        type_member: str | None = None,
        device_time: bool = False,
    ) -> None:
        if meaning == "nmea":
            library("pynmea2")  # so that an install without it says so before anything runs
        self._meaning = meaning
        self._entity = entity
        self._type_member = type_member
        self._device_time = device_time

    def reading(self, line: bytes) -> Reading:
        """What a line says."""
        if self._meaning == "nmea":
            return self._sentence(line)
        outputs: list[Output] = [Raw(line)]
        parsed = self._parsed(line)
        if parsed is not None:
            outputs.append(parsed)
        return Reading(self._entity, outputs)

    def _sentence(self, line: bytes) -> Reading:
        """The events that a recording of the same sentence would make (`sdk.formats.nmea`)."""
        source = source_of(line)
        entity = Entity(self._entity.system_id, source.talker, source.kind)
        sentence = None if line.startswith(AIS) else decode(line)
        outputs: list[Output] = [Raw(line)]
        if sentence is None:
            return Reading(entity, outputs)
        outputs.append(Parsed(sentence.kind, sentence.fields))
        if sentence.position is not None:
            outputs.append(Parsed("Position", sentence.position))
        at_ns = sentence.time_of_day_ns
        if at_ns is None or not self._device_time:
            return Reading(entity, outputs)
        return Reading(entity, outputs, nearest(at_ns, timestamps.now()))

    def _parsed(self, line: bytes) -> Parsed | None:
        if self._meaning == "text":
            try:
                return Parsed("Line", {"text": line.decode().rstrip("\r\n")})
            except UnicodeDecodeError:
                return None
        if self._meaning == "json":
            return self._json(line)
        return None

    def _json(self, line: bytes) -> Parsed | None:
        try:
            payload = msgspec.json.decode(line, type=JsonObject)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        name = payload.get(self._type_member) if self._type_member else None
        known = isinstance(name, str) and addresses.is_name(name)
        return Parsed(str(name) if known else "Line", payload)
