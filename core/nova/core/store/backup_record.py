"""What the last backup of an archive was, in `DATA/backup.json`, and why a later one failed."""

from __future__ import annotations

from pathlib import Path

import msgspec

from nova.sdk import durable

BACKUP_RECORD_FILE = "backup.json"


class BackupRecord(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """The last backup that succeeded, and the failure since, if there is one."""

    target: str = ""
    generation: str = ""
    time: str = ""
    events: int = 0
    bytes: int = 0
    failed_time: str = ""
    failure: str = ""


def read_record(data: Path) -> BackupRecord:
    """The record of a data folder, an empty one if there is none that can be read."""
    try:
        return msgspec.json.decode((data / BACKUP_RECORD_FILE).read_bytes(), type=BackupRecord)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return BackupRecord()


def write_record(data: Path, record: BackupRecord) -> None:
    """Replace the record."""
    durable.replace(data / BACKUP_RECORD_FILE, msgspec.json.encode(record))
