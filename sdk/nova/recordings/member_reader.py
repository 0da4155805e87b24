"""Reading of an export's files in memory that does not depend on their real or claimed sizes.

A small zip may decompress to any size, and a length field may hold any number. So everything that
must be in memory as a whole has a limit, and what exceeds it is refused with an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from nova.recordings import mcap_reader
from nova.recordings.mcap_reader import McapDamage
from nova.recordings.mcap_window import Readable
from nova.sdk.errors import NovaError
from nova.sdk.install_command import install_command

MIB = 1024 * 1024
READ_BYTES = 1 * MIB
RECORD_MAX_BYTES = 64 * MIB
"""The limit of an envelope in any Core, and of an MCAP chunk; NOVA's chunks have about 8 MiB."""


def read_whole(file: Readable, name: str, max_bytes: int) -> bytes:
    """The content of a file; raises NovaError if it exceeds the limit."""
    data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise NovaError(
            f"{name} exceeds {max_bytes:,} bytes, the most that is read: it is not an export of "
            "NOVA, is damaged, or has too many streams; export fewer streams at once"
        )
    return data


def read_lines(
    file: Readable, name: str, max_bytes: int = RECORD_MAX_BYTES, *, read_bytes: int = READ_BYTES
) -> Iterator[bytes]:
    """The non-empty lines, without line ends; raises NovaError if one exceeds the limit."""
    parts: list[bytes] = []
    size, number = 0, 1
    while block := file.read(read_bytes):
        for place, part in enumerate(block.split(b"\n")):
            if place > 0:
                if text := b"".join(parts).rstrip(b"\r"):
                    yield text
                parts, size, number = [], 0, number + 1
            parts.append(part)
            size += len(part)
            if size > max_bytes:
                raise _too_large(name, f"line {number}", max_bytes)
    if text := b"".join(parts).rstrip(b"\r"):
        yield text


def read_mcap(
    file: Readable, name: str, damage: McapDamage, max_bytes: int = RECORD_MAX_BYTES
) -> Iterator[bytes]:
    """The events of an MCAP file in file order; the file is read once, without seeking. Faults are
    added to `damage`.
    """
    for needed in ("mcap", "zstandard", "lz4"):
        if find_spec(needed) is None:
            raise NovaError(f"{name} needs {needed}: {install_command('nova-sdk', 'mcap')}")
    yield from mcap_reader.read_events(file, name, damage, max_bytes)


def _too_large(name: str, what: str, max_bytes: int) -> NovaError:
    return NovaError(
        f"{name}: {what} exceeds {max_bytes:,} bytes, the most that is read: "
        "it is not an export of NOVA, or it is damaged"
    )
