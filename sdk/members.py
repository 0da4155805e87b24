"""Reading the files of an export in memory that does not grow with what they hold or claim to hold.

A small zip may expand to any size, and a length in a file may say anything, so every single thing
that has to be in memory whole has a limit, and what goes beyond it is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from sdk import mcap_file
from sdk.errors import NovaError
from sdk.mcap_file import Damage
from sdk.mcap_window import Readable

MIB = 1024 * 1024
READ_BYTES = 1 * MIB
RECORD_MAX_BYTES = 64 * MIB
"""The largest envelope that any Core takes; also the largest chunk of an MCAP file, ours have 8 MiB
or little more.
"""


def whole(file: Readable, name: str, max_bytes: int) -> bytes:
    """All of a file; raises NovaError where that is too much."""
    data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise NovaError(
            f"{name} has more than {max_bytes:,} bytes, which is the most that is read: this is no "
            "export of NOVA, a damaged one, or one of too many streams: export fewer at once"
        )
    return data


def lines(file: Readable, name: str, max_bytes: int = RECORD_MAX_BYTES) -> Iterator[bytes]:
    """The lines that hold anything, without their ends; raises NovaError where one is too long."""
    parts: list[bytes] = []
    size, number = 0, 1
    while block := file.read(READ_BYTES):
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


def messages(
    file: Readable, name: str, damage: Damage, max_bytes: int = RECORD_MAX_BYTES
) -> Iterator[bytes]:
    """The events of an MCAP file in the order of the file, which is read once and never sought in;
    what is wrong with it stands in `damage`.
    """
    for needed in ("mcap", "zstandard", "lz4"):
        if find_spec(needed) is None:
            raise NovaError(f"{name} needs {needed}: pip install 'nova-truth[mcap]'")
    yield from mcap_file.events(file, name, damage, max_bytes)


def _too_large(name: str, what: str, max_bytes: int) -> NovaError:
    return NovaError(
        f"{name}: {what} has more than {max_bytes:,} bytes, which is the most that is read: "
        "this is no export of NOVA, or it is damaged"
    )
