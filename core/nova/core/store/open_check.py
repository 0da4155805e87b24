"""The check of every opening of an archive, by its writer and by readers alike: the archive has
this version's layout, is the one that its folder names, and holds what was durable.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from nova.core.errors import ArchiveError
from nova.core.store.catalog_reader import CatalogReader
from nova.core.store.durability_marker import DurabilityMarker, read_marker, require_durable
from nova.sdk import archive_id


class OpenCheck(NamedTuple):
    """What the files beside an archive record of it."""

    data: Path
    archive_id: str | None
    marker: DurabilityMarker | None

    @classmethod
    def read(cls, data: Path) -> OpenCheck:
        """Read the files; before the archive is opened, so that it is at least as new."""
        return cls(data, archive_id.read(data), read_marker(data))

    def require(self, record: CatalogReader, holdings: DurabilityMarker) -> None:
        """Raise ArchiveError unless an archive with this catalog and these holdings may be used."""
        record.check_schema()
        if self.archive_id is not None:
            require_id(self.data, self.archive_id, record.archive_id())
        require_durable(self.marker, holdings, self.data / archive_id.TRUTH_FOLDER)


def require_id(data: Path, beside: str, stored: str | None) -> None:
    """Raise ArchiveError if an archive holds another id than the file beside it: then one of the
    two was exchanged.
    """
    if stored == beside:
        return
    path, truth = data / archive_id.ID_FILE, data / archive_id.TRUTH_FOLDER
    within = "none" if stored is None else stored
    raise ArchiveError(
        f"{path} says that archive {beside} is here, but the one in {truth} has the id {within}. "
        f"It is not served. Put archive {beside} back; if the one that is there is the right one, "
        f"remove {path} and start NOVA again"
    )
