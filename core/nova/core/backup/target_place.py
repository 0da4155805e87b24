"""Finds the target that the user names."""

from __future__ import annotations

from pathlib import Path

from nova.core.backup.backup_target import BackupTarget
from nova.core.backup.folder_target import FolderTarget
from nova.sdk.errors import NovaError


def open_target(place: str) -> BackupTarget:
    """The target of `--to` or `--from`: a folder."""
    if "://" in place:
        raise NovaError(f"{place} is no folder")
    return FolderTarget(Path(place))
