"""Topics of ULog files: the layout of their records, and decoding.

`pyulog` reads a whole log into memory, so it is used for the formats only; records are decoded one
at a time.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from nova.recordings.ulog_definitions import UlogFormat
from nova.recordings.ulog_values import CODES, field_value

FIELDS_MAX = 4096
"""More than any topic has; damaged definitions may multiply fields without end."""
TYPES_MAX = 4 * FIELDS_MAX
"""The most nested types that are visited, including those without fields."""
_ADDED = struct.Struct("<BH")


class _TopicField(NamedTuple):
    name: str
    code: str


class UlogTopic:
    """One instance of a topic, as announced before its records.

    Raises ValueError if the announcement and the formats do not define one.
    """

    def __init__(self, added: bytes, formats: Mapping[str, UlogFormat]) -> None:
        try:
            self.instance, self.id = _ADDED.unpack_from(added)
            self.name = added[_ADDED.size :].decode()
            looks = iter(range(TYPES_MAX))
            fields = list(islice(_flatten(self.name, "", formats, looks), FIELDS_MAX))
        except (struct.error, KeyError, RecursionError, ValueError) as error:
            raise ValueError(f"no format for the topic {added[_ADDED.size :]!r}") from error
        self._whole_bytes = struct.calcsize("<" + "".join(field.code for field in fields))
        # Padding at the end of a record is in the definition only, not in the log.
        while fields and fields[-1].name.startswith("_padding"):
            fields.pop()
        self._fields = fields
        self._record = struct.Struct("<" + "".join(field.code for field in fields))

    def has_field(self, name: str) -> bool:
        """Whether its records have a field of this name."""
        return any(field.name == name for field in self._fields)

    def fits(self, record: bytes) -> bool:
        """Whether a record has the size of this topic's, with or without its end padding."""
        return self._record.size <= len(record) <= self._whole_bytes

    def decode(self, record: bytes) -> dict[str, object] | None:
        """The values of a record (None for those without a JSON form); None if it is too short."""
        if len(record) < self._record.size:
            return None
        values: dict[str, object] = {}
        for field, value in zip(self._fields, self._record.unpack_from(record), strict=True):
            if not field.name.rpartition(".")[2].startswith("_padding"):
                values[field.name] = field_value(field.code, value)
        return values


def _flatten(
    type_name: str, prefix: str, formats: Mapping[str, UlogFormat], looks: Iterator[int]
) -> Iterator[_TopicField]:
    """The fields of a type including nested types, named as `pyulog` names them."""
    if next(looks, None) is None:
        raise ValueError(f"{type_name} contains too many types")
    for kind, count, name in formats[type_name].fields:
        if kind == "char":
            yield _TopicField(prefix + name, f"{max(1, count)}s")
            continue
        names = [f"{prefix}{name}[{index}]" for index in range(count)] or [prefix + name]
        for one in names:
            if kind in CODES:
                yield _TopicField(one, CODES[kind])
            else:
                yield from _flatten(kind, one + ".", formats, looks)
