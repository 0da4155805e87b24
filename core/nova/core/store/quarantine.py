"""The quarantine of an archive: `DATA/quarantine/` holds what was cut off its logs and MANIFEST."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from nova.sdk import durable, private

QUARANTINE_FOLDER = "quarantine"
_KEPT = "*.from-*[0-9]"

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
    for other in reversed(later):
        other.unlink()
    durable.truncate(path, offset)
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
    durable.replace(target, content)
    return target
