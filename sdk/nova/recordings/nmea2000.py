"""NMEA 2000: decodes messages from CAN frames with `nmea2000` and CANboat's definitions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from typing import NamedTuple, Protocol, cast

from nova.recordings.candump import CanFrame
from nova.recordings.fast_packets import FastPackets
from nova.recordings.xtce_values import json_value
from nova.sdk.errors import NovaError
from nova.sdk.optional_imports import import_optional

SIGNIFICANT_DIGITS = 12
"""Digits beyond these are rounding errors of the scaled integers."""
NMEA_2000_PGNS = range(0x1ED00, 0x20000)
"""PGNs that only NMEA 2000 has. Others are shared with J1939 and ISO 11783, or proprietary."""
_REPEATED = "##list##"
_UNUSED_PREFIXES = ("reserved", "spare")


class NotDecodedError(NovaError):
    """The library failed on the data of a frame."""


class Nmea2000Message(NamedTuple):
    """A complete message: CANboat's name for its kind, and its fields that have values."""

    kind: str
    fields: dict[str, object]


class _LibraryField(Protocol):
    id: str
    value: object


class _LibraryMessage(Protocol):
    id: str
    fields: Sequence[_LibraryField]


class _LibraryDecoder(Protocol):
    def decode(self, data: str) -> _LibraryMessage | None: ...


class Nmea2000Bus:
    """One bus. It joins the frames of long messages, so it must see every frame in order."""

    def __init__(self) -> None:
        module = import_optional("nmea2000.decoder")
        # "metric" gives degrees and degrees Celsius instead of radians and kelvin.
        self._decoder = cast(_LibraryDecoder, module.NMEA2000Decoder(units="metric"))
        self._is_fast = module.NMEA2000Decoder.is_fast_pgn
        self._fast = FastPackets()
        self._header = module.NMEA2000Decoder.extract_header

    def is_defined(self, frame: CanFrame) -> bool:
        """Whether CANboat has a definition for the frame's PGN."""
        if not frame.extended or frame.remote or frame.fd_flags is not None:
            return False
        return self._is_fast(self._pgn(frame)) is not None

    def is_specific(self, frame: CanFrame) -> bool:
        """Whether the frame's PGN is specific to NMEA 2000, which identifies the bus."""
        return self.is_defined(frame) and self._pgn(frame) in NMEA_2000_PGNS

    def _pgn(self, frame: CanFrame) -> int:
        pgn, _, _, _ = self._header(int(frame.id, 16))
        return int(pgn)

    def take_incomplete(self) -> int:
        """How many messages were dropped as incomplete since the last call."""
        count, self._fast.incomplete = self._fast.incomplete, 0
        return count

    def add_frame(self, frame: CanFrame, at_ns: int = 0) -> Nmea2000Message | None:
        """The message that this frame completes, None if incomplete. The frame must be a known one.

        Raises NotDecodedError if its data do not match CANboat's definition.
        """
        if not self._is_fast(self._pgn(frame)):
            return self._decode(frame)
        message = None
        for one in self._fast.add(frame, at_ns):
            message = self._decode(one)
        return message

    def _decode(self, frame: CanFrame) -> Nmea2000Message | None:
        text = f"(0.0) {frame.interface} {frame.id}#{frame.data.hex().upper()}"
        try:
            message = self._decoder.decode(text)
        except Exception as error:  # The library raises various errors for damaged data.
            raise NotDecodedError(str(error)) from error
        return None if message is None else Nmea2000Message(message.id, _values(message.fields))


def _values(fields: Sequence[_LibraryField]) -> dict[str, object]:
    values: dict[str, object] = {}
    for field in fields:
        value = _value(field.value)
        if value is not None and not field.id.startswith(_UNUSED_PREFIXES):
            values["list" if field.id == _REPEATED else field.id] = value
    return values


def _value(value: object) -> object:
    if isinstance(value, list):
        return [_values(list(entry.values())) for entry in value]
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float):
        value = float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    return json_value(value)
