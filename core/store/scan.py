"""The one checked iterator that every scan goes through.

rocksdict's `keys()/items()/values()` end silently at a block that cannot be read and `next()` on an
invalid iterator kills the process; here validity is asked before every step and the status after
the last.
"""

from __future__ import annotations

from collections.abc import Iterator

from rocksdict import Rdict, ReadOptions

from core.errors import ArchiveDamagedError

READAHEAD_BYTES = 2 * 1024 * 1024


def scan(
    family: Rdict, lower: bytes, upper: bytes, *, reverse: bool = False
) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values from lower to upper, both included, in key order or backwards.

    Raises ArchiveDamagedError where the range cannot be read to its end.
    """
    options = ReadOptions()
    options.set_readahead_size(READAHEAD_BYTES)
    rows = family.iter(options)
    if reverse:
        rows.seek_for_prev(upper)
    else:
        rows.seek(lower)
    key = lower
    while rows.valid():
        key = rows.key()
        if key < lower if reverse else key > upper:
            return
        yield key, rows.value()
        if reverse:
            rows.prev()
        else:
            rows.next()
    try:
        rows.status()
    except Exception as error:
        raise ArchiveDamagedError(
            f"the archive cannot be read beyond key {key.hex()}: {error}"
        ) from error


def first(family: Rdict, lower: bytes, upper: bytes) -> tuple[bytes, bytes] | None:
    """The first key and value of a range."""
    return next(scan(family, lower, upper), None)


def last(family: Rdict, lower: bytes, upper: bytes) -> tuple[bytes, bytes] | None:
    """The last key and value of a range."""
    return next(scan(family, lower, upper, reverse=True), None)
