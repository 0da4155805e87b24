"""What a ULog file defines: its formats by `pyulog`, and from them how each topic is decoded.

`pyulog` reads a log whole into memory. So it is asked for the definitions only, which are small,
and the records behind them are decoded one at a time.
"""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from sdk.formats.recording import RecordingError
from sdk.formats.xtce import json_value
from sdk.libraries import library

FIELDS_MAX = 4096
"""More than any topic has; definitions that are damaged may multiply without end."""
FLOAT32_DIGITS = 9
"""All that a float of 32 bits holds."""
_CODES = {
    "int8_t": "b",
    "uint8_t": "B",
    "int16_t": "h",
    "uint16_t": "H",
    "int32_t": "i",
    "uint32_t": "I",
    "int64_t": "q",
    "uint64_t": "Q",
    "float": "f",
    "double": "d",
    "bool": "?",
}
_ADDED = struct.Struct("<BH")


class _Format(Protocol):
    fields: Sequence[tuple[str, int, str]]


class _Log(Protocol):
    start_timestamp: int
    message_formats: Mapping[str, _Format]
    msg_info_dict: Mapping[str, object]
    initial_parameters: Mapping[str, object]
    file_corruption: bool


class Definitions(NamedTuple):
    """What stands before the first record of a log."""

    start_us: int
    formats: Mapping[str, _Format]
    information: dict[str, object]
    parameters: dict[str, object]


def definitions(path: Path) -> Definitions:
    """The definitions of a log; raises RecordingError where they cannot be read."""
    pyulog = library("pyulog")
    try:
        # The library prints what it finds wrong.
        with path.open("rb") as file, contextlib.redirect_stdout(io.StringIO()):
            log = cast(_Log, pyulog.ULog(file, parse_header_only=True))
    except Exception as error:  # whatever the library makes of a file that is no ULog
        raise RecordingError(f"cannot read {path} as ULog: {error or type(error)}") from error
    if log.file_corruption:
        raise RecordingError(f"cannot read {path} as ULog: its definitions are damaged")
    return Definitions(
        log.start_timestamp,
        log.message_formats,
        {name: said(value) for name, value in log.msg_info_dict.items()},
        {name: said(value) for name, value in log.initial_parameters.items()},
    )


def said(value: object) -> object:
    """A value of a log as JSON can say it."""
    if isinstance(value, bool):
        return value
    return json_value(value)


def parameter(data: bytes) -> tuple[str, object]:
    """Name and value of a parameter message; raises ValueError where it holds none."""
    key = data[1 : 1 + data[0]].decode("ascii")
    kind, _, name = key.partition(" ")
    try:
        (value,) = struct.unpack("<" + _CODES[kind], data[1 + data[0] :])
    except (KeyError, struct.error) as error:
        raise ValueError(f"no parameter: {key!r}") from error
    return name, _value(_CODES[kind], value)


class _Field(NamedTuple):
    name: str
    code: str


class Topic:
    """One instance of a topic, as a log announces it before its records.

    Raises ValueError where the announcement and the formats do not make one.
    """

    def __init__(self, added: bytes, formats: Mapping[str, _Format]) -> None:
        try:
            self.instance, self.id = _ADDED.unpack_from(added)
            self.name = added[_ADDED.size :].decode()
            fields = list(islice(_flat(self.name, "", formats), FIELDS_MAX))
        except (struct.error, KeyError, RecursionError) as error:
            raise ValueError(f"no format for the topic {added[_ADDED.size :]!r}") from error
        # What pads a record at its end is in its definition only, not in the log.
        while fields and fields[-1].name.startswith("_padding"):
            fields.pop()
        self._fields = fields
        self._record = struct.Struct("<" + "".join(field.code for field in fields))

    def has(self, name: str) -> bool:
        """Whether its records have a field of this name."""
        return any(field.name == name for field in self._fields)

    def decode(self, record: bytes) -> dict[str, object] | None:
        """The values of a record that say something; None where it is too short."""
        if len(record) < self._record.size:
            return None
        values: dict[str, object] = {}
        for field, value in zip(self._fields, self._record.unpack_from(record), strict=True):
            if not field.name.rpartition(".")[2].startswith("_padding"):
                values[field.name] = _value(field.code, value)
        return {name: value for name, value in values.items() if value is not None}


def _flat(type_name: str, prefix: str, formats: Mapping[str, _Format]) -> Iterator[_Field]:
    """The fields of a type, those of types within it too, named as `pyulog` names them."""
    for kind, count, name in formats[type_name].fields:
        if kind == "char":
            yield _Field(prefix + name, f"{max(1, count)}s")
            continue
        names = [f"{prefix}{name}[{index}]" for index in range(count)] or [prefix + name]
        for one in names:
            if kind in _CODES:
                yield _Field(one, _CODES[kind])
            else:
                yield from _flat(kind, one + ".", formats)


def _value(code: str, value: object) -> object:
    if isinstance(value, bytes):
        return value.split(b"\0", 1)[0].decode("utf-8", "replace")
    if isinstance(value, float) and code == "f":
        return json_value(float(f"{value:.{FLOAT32_DIGITS}g}"))
    return said(value)
