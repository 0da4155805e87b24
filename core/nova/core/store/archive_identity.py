"""The archive id: stored in the archive, so that it moves with the archive, and in a file beside it
for processes that do not open the archive.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from nova.core.errors import ArchiveError
from nova.core.store.archive import TRUTH_FOLDER, Archive
from nova.core.store.catalog import ARCHIVE_ID_KEY
from nova.core.store.durability_marker import read_marker, write_marker
from nova.core.store.open_check import require_id
from nova.sdk import archive_id, durable
from nova.sdk.default_timebase import TIMEBASE_FILE

REMAINS = (
    "files/state.json",
    "samples/CURRENT",
    "checkpoints/CURRENT",
    "alarms/CURRENT",
    TIMEBASE_FILE,
)
"""What only an instance with an archive makes in its data folder."""

RESTORING_FOLDER = "restoring"
"""What a restore has not finished yet."""


def refuse_emptied(data: Path) -> None:
    """Raise ArchiveError if the data folder has an archive id but no archive; without this check a
    new archive would be created there.
    """
    if (data / TRUTH_FOLDER / "CURRENT").exists():
        return
    if (data / RESTORING_FOLDER).exists():
        raise ArchiveError(
            f"a restore to {data} was not finished, so there is no archive: run `nova restore` "
            "again, which begins anew"
        )
    known = archive_id.read(data)
    if known is None:
        _refuse_remains(data)
    else:
        raise ArchiveError(
            f"{data / archive_id.ID_FILE} says that archive {known} is here, and "
            f"{data / TRUTH_FOLDER} holds none (is its disk mounted?). Nothing was written. Put "
            "the archive back, or move the whole data folder away to begin a new one"
        )


def _refuse_remains(data: Path) -> None:
    # Users and their keys may be there before the first archive is.
    remains = [name for name in REMAINS if (data / name).exists()]
    if remains:
        raise ArchiveError(
            f"{data / TRUTH_FOLDER} holds no archive, but {', '.join(remains)} in {data} are of "
            "one that was here (is its disk mounted?). Nothing was written. Put the archive back, "
            "or move the whole data folder away to begin a new one"
        )


def ensure_id(archive: Archive, data: Path) -> str:
    """The id of an archive that is open for writing; assigns one if it has none. Raises
    ArchiveError if the file beside it holds another id: then one of the two was exchanged.
    """
    beside = archive_id.read(data)
    stored = archive.record.archive_id()
    if beside is not None:
        require_id(data, beside, stored)
    found = stored if stored is not None else _assign_id(archive)
    if beside is None:
        _ensure_marker(archive, data)
        durable.replace(data / archive_id.ID_FILE, f"{found}\n".encode(), durable.STORED_MODE)
    return found


def _ensure_marker(archive: Archive, data: Path) -> None:
    """Write a durability marker if there is none: an archive with an id and events is refused
    without one, and a power cut may come between its first events and the next marker.
    """
    if read_marker(data) is None:
        archive.sync()
        write_marker(data, archive.holdings())


def _assign_id(archive: Archive) -> str:
    """Assign a new id; it is durable when this returns."""
    made = str(uuid.uuid4())
    batch = archive.batch()
    batch.put_record(ARCHIVE_ID_KEY, made.encode())
    archive.write(batch)
    archive.sync()
    return made
