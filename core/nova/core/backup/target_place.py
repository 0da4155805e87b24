"""Finds the target that the user names."""

from __future__ import annotations

from pathlib import Path

from nova.core.backup.backup_target import BackupTarget
from nova.core.backup.bucket_target import BucketTarget
from nova.core.backup.folder_target import FolderTarget
from nova.core.backup.target_use import BACKUPS, TargetUse
from nova.core.disk_reserve import DiskReserve
from nova.sdk.errors import NovaError

BUCKET_SCHEME = "s3://"


def open_target(
    place: str,
    data: Path | None = None,
    reserve_bytes: int = 0,
    use: TargetUse = BACKUPS,
) -> BackupTarget:
    """The target of `--to`, `--from` or `backup_to`: a folder, or `s3://BUCKET/PREFIX`. A folder on
    the disk of the archive in `data` leaves the reserve free there.
    """
    if place.startswith(BUCKET_SCHEME):
        return BucketTarget(place, use=use)
    if "://" in place:
        raise NovaError(f"{place} is neither a folder nor s3://BUCKET/PREFIX")
    return FolderTarget(Path(place), DiskReserve(Path(place), reserve_bytes, data), use)
