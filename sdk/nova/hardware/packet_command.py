"""Packet commands: the space packet to send, its sequence count, and the telemetry that confirms
it.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping

import msgspec

from nova.hardware.confirmation import ConfirmSeconds
from nova.hardware.device import CommandRefusedError
from nova.recordings.packets import HEADER_SIZE_BYTES, Packet
from nova.recordings.xtce import XtceDefinition
from nova.sdk.errors import SettingsError
from nova.sdk.field_types import JsonObject

CRC_BYTES = 2
COUNT_MASK = 0x3FFF
SEQUENCE = "$sequence"
"""Placeholder in the values to match: the sequence count of the packet that was sent."""

MatchFields = dict[str, str | int | float | bool]


class PacketCommandOptions(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The options of a command that is more than a packet in hex."""

    packet: str
    confirm: MatchFields | None = None
    refuse: MatchFields | None = None
    within_s: ConfirmSeconds = 10.0


class PacketCommand:
    """One command: its packet, and the telemetry fields that confirm or refuse it."""

    def __init__(
        self, options: str | PacketCommandOptions, definition: XtceDefinition | None
    ) -> None:
        if isinstance(options, str):
            options = PacketCommandOptions(packet=options)
        self._packet = _packet(options.packet)
        self._confirm, self._refuse = options.confirm, options.refuse
        self.within_s = options.within_s
        if self._refuse is not None and self._confirm is None:
            raise SettingsError("`refuse` requires `confirm`: without it no answer is awaited")
        for fields in (self._confirm, self._refuse):
            if fields is not None:
                _check(fields, definition)

    @property
    def apid(self) -> int:
        """The application process that the packet is addressed to."""
        return self._packet.apid

    @property
    def is_confirmed(self) -> bool:
        """Whether telemetry confirms this command."""
        return self._confirm is not None

    def numbered(self, count: int) -> bytes:
        """The packet with a sequence count; its CRC is recomputed if it has one."""
        data = bytearray(self._packet.data)
        flags = int.from_bytes(data[2:4]) & ~COUNT_MASK
        data[2:4] = (flags | count).to_bytes(2)
        if _has_crc(self._packet.data):
            data[-CRC_BYTES:] = _crc(data[:-CRC_BYTES]).to_bytes(CRC_BYTES)
        return bytes(data)

    def interpret(self, count: int, fields: Mapping[str, object]) -> JsonObject | None:
        """The result if this telemetry answers the packet with that count."""
        if self._refuse is not None and _matches(self._refuse, count, fields):
            raise CommandRefusedError(
                f"refused by the device: {_matched_text(self._refuse, fields)}"
            )
        if self._confirm is None or not _matches(self._confirm, count, fields):
            return None
        return {"sequence": count, **{name: fields[name] for name in self._confirm}}


def _packet(text: str) -> Packet:
    """Parse a text in hex as exactly one packet; raises SettingsError."""
    try:
        data = bytes.fromhex(text)
    except ValueError:
        raise SettingsError(f"{text[:64]!r} is not hex") from None
    size = HEADER_SIZE_BYTES + 1 + int.from_bytes(data[4:6]) if len(data) > HEADER_SIZE_BYTES else 0
    if size != len(data) or data[0] >> 5:
        raise SettingsError(
            f"{text[:64]!r} is not a space packet: its header must have version 0 and a length "
            f"that matches its {len(data)} bytes"
        )
    return Packet(0, data)


def _check(fields: MatchFields, definition: XtceDefinition | None) -> None:
    if definition is None:
        raise SettingsError("`confirm` requires `xtce`: it names fields of decoded packets")
    if not fields:
        raise SettingsError("`confirm` and `refuse` must name at least one field")
    for name in fields:
        definition.require_parameter(name)


def _has_crc(data: bytes) -> bool:
    """Whether a packet ends with the CRC-16/CCITT of its preceding bytes."""
    return len(data) > HEADER_SIZE_BYTES + CRC_BYTES and _crc(data) == 0


def _crc(data: bytes | bytearray) -> int:
    return binascii.crc_hqx(data, 0xFFFF)


def _matches(wanted: MatchFields, count: int, fields: Mapping[str, object]) -> bool:
    return all(
        name in fields and fields[name] == (count if value == SEQUENCE else value)
        for name, value in wanted.items()
    )


def _matched_text(wanted: MatchFields, fields: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {fields[name]}" for name in wanted)
