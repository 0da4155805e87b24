"""Topics of ULog files: how the records of each are laid out, and what they say.

`pyulog` reads a log whole into memory, so it is asked for the formats only, and records are decoded
one at a time.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from sdk.formats.ulog_definitions import Format
from sdk.formats.ulog_values import CODES, value_of

FIELDS_MAX = 4096
"""More than any topic has; definitions that are damaged may multiply without end."""
TYPES_MAX = 4 * FIELDS_MAX
"""How often types within types are looked into, those without fields included."""
_ADDED = struct.Struct("<BH")


class _Field(NamedTuple):
    name: str
    code: str


class Topic:
    """One instance of a topic, as a log announces it before its records.

    Raises ValueError where the announcement and the formats do not make one.
    """

    def __init__(self, added: bytes, formats: Mapping[str, Format]) -> None:
        try:
            self.instance, self.id = _ADDED.unpack_from(added)
            self.name = added[_ADDED.size :].decode()
            looks = iter(range(TYPES_MAX))
            fields = list(islice(_flat(self.name, "", formats, looks), FIELDS_MAX))
        except (struct.error, KeyError, RecursionError, ValueError) as error:
            raise ValueError(f"no format for the topic {added[_ADDED.size :]!r}") from error
        self._whole_bytes = struct.calcsize("<" + "".join(field.code for field in fields))
        # What pads a record at its end is in its definition only, not in the log.
        while fields and fields[-1].name.startswith("_padding"):
            fields.pop()
        self._fields = fields
        self._record = struct.Struct("<" + "".join(field.code for field in fields))

    def has(self, name: str) -> bool:
        """Whether its records have a field of this name."""
        return any(field.name == name for field in self._fields)

    def fits(self, record: bytes) -> bool:
        """Whether a record has the size of this topic's, with or without what pads it."""
        return self._record.size <= len(record) <= self._whole_bytes

    def decode(self, record: bytes) -> dict[str, object] | None:
        """The values of a record, None for what JSON cannot say; None where it is too short."""
        if len(record) < self._record.size:
            return None
        values: dict[str, object] = {}
        for field, value in zip(self._fields, self._record.unpack_from(record), strict=True):
            if not field.name.rpartition(".")[2].startswith("_padding"):
                values[field.name] = value_of(field.code, value)
        return values


def _flat(
    type_name: str, prefix: str, formats: Mapping[str, Format], looks: Iterator[int]
) -> Iterator[_Field]:
    """The fields of a type, those of types within it too, named as `pyulog` names them."""
    if next(looks, None) is None:
        raise ValueError(f"{type_name} holds too many types")
    for kind, count, name in formats[type_name].fields:
        if kind == "char":
            yield _Field(prefix + name, f"{max(1, count)}s")
            continue
        names = [f"{prefix}{name}[{index}]" for index in range(count)] or [prefix + name]
        for one in names:
            if kind in CODES:
                yield _Field(one, CODES[kind])
            else:
                yield from _flat(kind, one + ".", formats, looks)
