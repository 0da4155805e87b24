"""Decodes one record of the catalog; one that cannot be read is damage, which names it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from nova.core.errors import ArchiveDamagedError
from nova.core.store.live_files import RESTORE
from nova.sdk.errors import NovaError

UNREADABLE = (msgspec.DecodeError, NovaError, ValueError, LookupError, TypeError, RecursionError)
"""What a decoder raises for bytes that are not its record, such as those with a flipped bit."""

T = TypeVar("T")


def record_name(key: bytes) -> str:
    """A catalog key for people; its binary parts as hex."""
    text = key.decode("ascii", "backslashreplace")
    return f"catalog {text}" if text.isprintable() else f"catalog 0x{key.hex()}"


def read_record(path: Path, key: bytes, value: bytes, decode: Callable[[bytes], T]) -> T:
    """The decoded record of the archive in `path`; raises ArchiveDamagedError."""
    try:
        return decode(value)
    except UNREADABLE as error:
        raise ArchiveDamagedError(
            f"the archive in {path} is damaged: the record {record_name(key)} cannot be read: "
            f"{error}. {RESTORE}"
        ) from error
