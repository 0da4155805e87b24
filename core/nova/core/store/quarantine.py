"""The quarantine of an archive: `DATA/quarantine/` holds what was cut off its logs and MANIFEST."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from nova.sdk import durable, private

QUARANTINE_FOLDER = "quarantine"
_KEPT = "*.from-*"

log = logging.getLogger(__name__)


def quarantined(data: Path) -> list[str]:
    """The names of all quarantined parts, sorted."""
    return sorted(path.name for path in (data / QUARANTINE_FOLDER).glob(_KEPT))


def cut_off(data: Path, path: Path, offset: int, later: Sequence[Path], reason: str) -> None:
    """Copy a file from `offset` on, and all of the `later` files, to the quarantine, durably; then
    truncate the file and remove the later ones.
    """
    folder = data / QUARANTINE_FOLDER
    private.make_folder(folder)
    kept = [_kept(folder, path, offset, path.read_bytes()[offset:])]
    kept += [_kept(folder, other, 0, other.read_bytes()) for other in later]
    durable.sync_folder(folder)
    for other in reversed(later):
        other.unlink()
    with path.open("r+b") as file:
        file.truncate(offset)
        os.fsync(file.fileno())
    durable.sync_folder(path.parent)
    context = {
        "file": str(path),
        "byte": offset,
        "reason": reason,
        "kept": [str(part) for part in kept],
    }
    log.error("the damaged end of the archive was cut off", extra={"context": context})


def _kept(folder: Path, path: Path, offset: int, content: bytes) -> Path:
    """Write the bytes of a file from `offset` on to a new file that is named after both."""
    number = 1
    while (target := folder / f"{path.name}.from-{offset}.{number}").exists():
        number += 1
    with target.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return target
