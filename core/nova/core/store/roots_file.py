"""`seals/roots.jsonl`: the seals of an archive as JSON lines, in a file that can be kept elsewhere.

The archive has the same seals. The file is for those who do not trust the archive's disk: a copy of
it proves later that the archive is still the one that was sealed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from nova.sdk import durable, stored_files
from nova.sdk.errors import NovaError
from nova.sdk.events.day_seal import DaySeal

SEALS_FOLDER = "seals"
ROOTS_FILE = "roots.jsonl"


def roots_path(data: Path) -> Path:
    return data / SEALS_FOLDER / ROOTS_FILE


def write_roots(data: Path, seals: Sequence[DaySeal]) -> Path | None:
    """Make the file hold exactly these seals. If what is there is not a beginning of them, it is of
    another history, as after a restore: it is renamed and never overwritten. Returns its new name,
    else None.
    """
    path = roots_path(data)
    content = b"".join(msgspec.json.encode(seal) + b"\n" for seal in seals)
    try:
        found = durable.read(path)
    except FileNotFoundError:
        found = b""
    if found == content:
        return None
    stored_files.make_folder(path.parent)
    moved = None if content.startswith(found) else _free_name(path)
    if moved is not None:
        durable.move(path, moved)
    durable.replace(path, content, durable.STORED_MODE)
    return moved


def read_roots(path: Path) -> list[DaySeal]:
    """The seals of a file; raises NovaError that names the line if one cannot be read."""
    seals = []
    try:
        lines = durable.read(path).splitlines()
    except OSError as error:
        raise NovaError(f"cannot read {path}: {error.strerror}") from None
    for number, line in enumerate(lines, 1):
        try:
            seals.append(msgspec.json.decode(line, type=DaySeal))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise NovaError(f"line {number} of {path} is no seal: {error}") from None
    return seals


def _free_name(path: Path) -> Path:
    number = 1
    while (found := path.with_name(f"replaced-{number}.jsonl")).exists():
        number += 1
    return found
