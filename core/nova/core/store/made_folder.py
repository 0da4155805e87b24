"""The folder that RocksDB makes where there is none, also for a secondary."""

from __future__ import annotations

import contextlib
from pathlib import Path

from nova.core.store.mirror import BINDING_FILE


def remove_made_folder(path: Path) -> None:
    """Remove a folder in which no database is. Where an archive was moved away, it would keep it
    from being put back.
    """
    with contextlib.suppress(OSError):
        if [entry.name for entry in path.iterdir()] == [BINDING_FILE]:
            (path / BINDING_FILE).unlink()
        path.rmdir()
