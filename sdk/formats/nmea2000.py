"""NMEA 2000: decodes messages from CAN frames with `nmea2000` and CANboat's definitions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from typing import NamedTuple, Protocol, cast

from sdk.errors import NovaError
from sdk.formats.candump import CanFrame
from sdk.formats.xtce import json_value
from sdk.libraries import library

SIGNIFICANT_DIGITS = 12
"""Digits beyond these are rounding errors of the scaled integers."""
OWN_PGNS = range(0x1ED00, 0x20000)
"""PGNs that only NMEA 2000 has. Others are shared with J1939 and ISO 11783, or proprietary."""
_REPEATED = "##list##"
_UNSAID = ("reserved", "spare")


class NotDecodedError(NovaError):
    """The library failed on the data of a frame."""


class Message(NamedTuple):
    """A complete message: CANboat's name for its kind, and its fields that have values."""

    kind: str
    fields: dict[str, object]


class _Field(Protocol):
    id: str
    value: object


class _Message(Protocol):
    id: str
    fields: Sequence[_Field]


class _Decoder(Protocol):
    def decode(self, data: str) -> _Message | None: ...


class Bus:
    """One bus. It joins the frames of long messages, so it must see every frame in order."""

    def __init__(self) -> None:
        module = library("nmea2000.decoder")
        # "metric" gives degrees and degrees Celsius instead of radians and kelvin.
        self._decoder = cast(_Decoder, module.NMEA2000Decoder(units="metric"))
        self._is_fast = module.NMEA2000Decoder.is_fast_pgn
        self._header = module.NMEA2000Decoder.extract_header

    def knows(self, frame: CanFrame) -> bool:
        """Whether CANboat has a definition for the frame's PGN."""
        if not frame.extended or frame.remote or frame.fd_flags is not None:
            return False
        return self._is_fast(self._pgn(frame)) is not None

    def is_own(self, frame: CanFrame) -> bool:
        """Whether the frame's PGN is specific to NMEA 2000, which identifies the bus."""
        return self.knows(frame) and self._pgn(frame) in OWN_PGNS

    def _pgn(self, frame: CanFrame) -> int:
        pgn, _, _, _ = self._header(int(frame.id, 16))
        return int(pgn)

    def message(self, frame: CanFrame) -> Message | None:
        """The message that this frame completes, None if incomplete. The frame must be a known one.

        Raises NotDecodedError if its data do not match CANboat's definition.
        """
        text = f"(0.0) {frame.interface} {frame.id}#{frame.data.hex().upper()}"
        try:
            message = self._decoder.decode(text)
        except Exception as error:  # The library raises various errors for damaged data.
            raise NotDecodedError(str(error)) from error
        return None if message is None else Message(message.id, _values(message.fields))


def _values(fields: Sequence[_Field]) -> dict[str, object]:
    values: dict[str, object] = {}
    for field in fields:
        value = _value(field.value)
        if value is not None and not field.id.startswith(_UNSAID):
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
