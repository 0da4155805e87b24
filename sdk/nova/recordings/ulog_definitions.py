"""The definitions section of a ULog file: formats, information and parameters."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol, cast

from nova.recordings.recording import RecordingError
from nova.recordings.ulog_messages import (
    FILE_HEADER_SIZE_BYTES,
    MAGIC,
    UlogDamage,
    UlogMessage,
    read_messages,
)
from nova.recordings.ulog_values import CODES, field_value, json_form
from nova.sdk.optional_imports import import_optional

FIRST_RECORDS = "ALCD"
"""The message types that end the definitions."""
KNOWN_FLAGS = bytes([1, 0, 0, 0, 0, 0, 0, 0])
_START = struct.Struct("<7xBQ")


class UlogFormat(Protocol):
    """The fields of a type: type name, array length (0: not an array), and field name."""

    fields: Sequence[tuple[str, int, str]]


class UlogDefinitions(NamedTuple):
    """The definitions of a log; `problems` are (offset, text) pairs."""

    start_us: int
    formats: Mapping[str, UlogFormat]
    information: dict[str, object]
    parameters: dict[str, object]
    problems: list[tuple[int, str]]


def read_definitions(path: Path) -> UlogDefinitions:
    """The definitions of a log; raises RecordingError if it cannot be read as ULog."""
    with path.open("rb") as file:
        found = UlogDefinitions(_start_us(path, file), {}, {}, {}, [])
        for message in read_messages(file, lambda kind, _: kind == "A"):
            if isinstance(message, UlogDamage):
                continue  # UlogReader reports damage.
            if message.kind in FIRST_RECORDS:
                break
            if message.kind == "B" and _has_unknown_flags(message.data):
                raise RecordingError(f"cannot read {path} as ULog: it has flags of a newer version")
            _add_definition(message, found)
    return found


def _start_us(path: Path, file: BinaryIO) -> int:
    head = file.read(FILE_HEADER_SIZE_BYTES)
    if len(head) < FILE_HEADER_SIZE_BYTES or not head.startswith(MAGIC):
        raise RecordingError(f"cannot read {path} as ULog: it has no ULog header")
    _, start_us = _START.unpack(head)
    return int(start_us)


def _has_unknown_flags(flags: bytes) -> bool:
    """Whether a log has incompatible flags, with which unknowing readers must not read it."""
    incompatible = flags[8:16]
    return any(flag & ~known for flag, known in zip(incompatible, KNOWN_FLAGS, strict=False))


def _add_definition(message: UlogMessage, found: UlogDefinitions) -> None:
    try:
        if message.kind == "F":
            name, form = _format(message.data)
            cast(dict[str, UlogFormat], found.formats)[name] = form
        elif message.kind == "I":
            name, value = parse_information(message.data)
            found.information[name] = value
        elif message.kind == "P":
            name, value = parse_parameter(message.data)
            found.parameters[name] = value
    except ValueError as error:
        found.problems.append((message.offset_bytes, str(error)))


def _format(data: bytes) -> tuple[str, UlogFormat]:
    try:
        made = import_optional("pyulog").ULog.MessageFormat(data, None)
    except (IndexError, ValueError) as error:
        raise ValueError(f"no format: {data[:64]!r}") from error
    return str(made.name), cast(UlogFormat, made)


def parse_information(data: bytes) -> tuple[str, object]:
    """Name and value of an information message: a number, a text, or bytes as hex."""
    kind, name, value = _parse_key(data, "information")
    if kind.startswith("char["):
        return name, value.decode("utf-8", "replace")
    if kind in CODES:
        return name, _number(kind, value, data, "information")
    return name, json_form(value)


def parse_parameter(data: bytes) -> tuple[str, object]:
    """Name and value of a parameter message; raises ValueError if it is malformed."""
    kind, name, value = _parse_key(data, "parameter")
    return name, _number(kind, value, data, "parameter")


def _parse_key(data: bytes, what: str) -> tuple[str, str, bytes]:
    size = data[0] if data else 0
    key = data[1 : 1 + size]
    kind, blank, name = key.decode("ascii", "replace").partition(" ")
    if not blank or not name or len(key) < size or not key.isascii():
        raise ValueError(f"no {what}: {key[:64]!r}")
    return kind, name, data[1 + size :]


def _number(kind: str, value: bytes, data: bytes, what: str) -> object:
    try:
        (number,) = struct.unpack("<" + CODES[kind], value)
    except (KeyError, struct.error) as error:
        raise ValueError(f"no {what}: {data[1 : 1 + data[0]]!r}") from error
    return field_value(CODES[kind], number)
