"""Decodes a record of RocksDB's MANIFEST: the table files that a family gained and lost, and the
logs that it needs. The format is RocksDB 9's; later versions add fields that can be skipped.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple, Self

SKIPPABLE = 1 << 13
"""A field whose tag has this bit begins with its length, so an unknown one can be skipped."""

FIELD_END = 1
"""Terminates the optional fields of a file."""

UNIQUE_ID_FIELD = 12
"""The optional field of a file that differs between any two files of any databases."""


class EditError(Exception):
    """The bytes are not a version edit."""


class Tag(IntEnum):
    """The tag of a field."""

    COMPARATOR = 1
    LOG_NUMBER = 2
    NEXT_FILE_NUMBER = 3
    LAST_SEQUENCE = 4
    COMPACT_CURSOR = 5
    DELETED_FILE = 6
    PREVIOUS_LOG_NUMBER = 9
    MIN_LOG_NUMBER_TO_KEEP = 10
    NEW_FILE = 103
    FAMILY = 200
    FAMILY_ADDED = 201
    FAMILY_DROPPED = 202
    MAX_FAMILY = 203
    IN_ATOMIC_GROUP = 300


class AddedFile(NamedTuple):
    """A table file that an edit adds; `last_sequence` is that of its newest row, `unique_id` is
    empty if none is recorded.
    """

    number: int
    size: int
    last_sequence: int
    unique_id: bytes = b""


class VersionEdit:
    """One decoded edit; only the fields that `LiveFiles` needs."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._offset = 0
        self.family = 0
        self.added_family: str | None = None
        self.is_family_dropped = False
        self.log_number: int | None = None
        self.oldest_log = 0
        self.last_sequence = 0
        self.added: list[AddedFile] = []
        self.deleted: list[int] = []

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Raises EditError."""
        edit = cls(content)
        try:
            while edit._offset < len(content):
                edit._read_field(edit._number())
        except IndexError:
            raise EditError("an edit ends inside a field") from None
        return edit

    def _read_field(self, tag: int) -> None:
        match tag:
            case Tag.LOG_NUMBER:
                self.log_number = self._number()
            case Tag.LAST_SEQUENCE:
                self.last_sequence = self._number()
            case Tag.MIN_LOG_NUMBER_TO_KEEP:
                self.oldest_log = self._number()
            case Tag.NEW_FILE:
                self._read_file()
            case Tag.DELETED_FILE:
                self._number()  # its level
                self.deleted.append(self._number())
            case Tag.FAMILY:
                self.family = self._number()
            case Tag.FAMILY_ADDED:
                self.added_family = self._text().decode("utf-8", "replace")
            case Tag.FAMILY_DROPPED:
                self.is_family_dropped = True
            case _:
                self._skip(tag)

    def _skip(self, tag: int) -> None:
        if tag == Tag.COMPARATOR or tag & SKIPPABLE:
            self._text()
        elif tag == Tag.COMPACT_CURSOR:
            self._number()
            self._text()
        elif tag in (
            Tag.NEXT_FILE_NUMBER,
            Tag.PREVIOUS_LOG_NUMBER,
            Tag.MAX_FAMILY,
            Tag.IN_ATOMIC_GROUP,
        ):
            self._number()
        else:
            raise EditError(f"an edit has a field with the unknown tag {tag}")

    def _read_file(self) -> None:
        self._number()  # its level
        number, size = self._number(), self._number()
        self._text()  # its first key
        self._text()  # its last key
        self._number()  # its first sequence
        last_sequence = self._number()
        unique_id = b""
        while (field := self._number()) != FIELD_END:
            content = self._text()
            if field == UNIQUE_ID_FIELD:
                unique_id = content
        self.added.append(AddedFile(number, size, last_sequence, unique_id))

    def _text(self) -> bytes:
        size = self._number()
        start = self._offset
        self._offset += size
        if self._offset > len(self._content):
            raise IndexError
        return self._content[start : self._offset]

    def _number(self) -> int:
        """A varint."""
        found = shift = 0
        while True:
            byte = self._content[self._offset]
            self._offset += 1
            found |= (byte & 0x7F) << shift
            if byte < 0x80:
                return found
            shift += 7
