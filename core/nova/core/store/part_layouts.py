"""The layouts of what is beside an archive: NOVA brings these parts up to date by itself, when it
starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from nova.core.errors import ArchiveError
from nova.core.scratch import scratch_folder
from nova.core.store.alarm_store import AlarmStore
from nova.core.store.checkpoint_store import CheckpointStore
from nova.core.store.derived_database import DerivedDatabase
from nova.core.store.mirror import Mirror
from nova.core.store.sample_store import SampleStore
from nova.sdk.users_layout import USERS_LAYOUT, USERS_PATH, users_layout

CURRENT = "its layout does not change"
REMADE = "it is made anew from the archive when NOVA starts; until then replies are slower"
UPGRADED = "it is upgraded in place, in one transaction, when an edge starts"
LATER = "a later version wrote it: no edge of this version starts with it"


class PartLayout(msgspec.Struct, rename="camel"):
    """One part of a data folder: its layout, this version's, and what happens to it. `layout` is
    null if it cannot be read.
    """

    path: str
    layout: int | None
    target: int
    action: str

    def line(self) -> str:
        """The part as a line for people."""
        layout = "no readable layout" if self.layout is None else f"layout {self.layout}"
        return f"{self.path} has {layout}, today's is {self.target}: {self.action}"


def part_layouts(data: Path, *, is_migrated: bool) -> list[PartLayout]:
    """The parts that exist. What is derived from an archive that `is_migrated` is made anew."""
    parts = list(_derived_layouts(data, is_migrated=is_migrated))
    layout = users_layout(data)
    if layout is not None:
        action = UPGRADED if layout < USERS_LAYOUT else CURRENT
        action = LATER if layout > USERS_LAYOUT else action
        parts.append(PartLayout(str(USERS_PATH), layout, USERS_LAYOUT, action))
    return parts


def _derived_layouts(data: Path, *, is_migrated: bool) -> Iterator[PartLayout]:
    stores: tuple[type[DerivedDatabase], ...] = (SampleStore, CheckpointStore, AlarmStore)
    for store in stores:
        if (data / store.FOLDER / "CURRENT").exists():
            layout = _stored_layout(data, store)
            is_kept = layout == store.LAYOUT and not is_migrated
            yield PartLayout(store.FOLDER, layout, store.LAYOUT, CURRENT if is_kept else REMADE)


def _stored_layout(data: Path, store: type[DerivedDatabase]) -> int | None:
    try:
        # A mirror, so that nothing is written beside the database.
        with scratch_folder("layout") as scratch, closing(Mirror(data / store.FOLDER)) as mirror:
            mirror.refresh()
            opened = store.open_secondary(mirror.path.parent, scratch)
            if opened is None:
                return None
            with closing(opened):
                return opened.stored_layout()
    except ArchiveError:
        return None
