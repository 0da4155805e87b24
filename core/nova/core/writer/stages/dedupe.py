"""Finds the events of a batch that are neither in the archive nor in the open commit, and were not
deleted by retention.
"""

from __future__ import annotations

from nova.core.store.archive import Archive
from nova.core.writer.additions import Additions
from nova.core.writer.columns import BatchColumns
from nova.core.writer.commit import Commit
from nova.core.writer.new_events import NewEvents


class Dedupe:
    """Of events with one order key the first is new."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def __call__(self, columns: BatchColumns, commit: Commit) -> tuple[NewEvents, Additions]:
        stored, taken = self._archive.events.event_keys(columns.keys), commit.keys
        deleted = self._archive.deleted_ids
        first: dict[bytes, int] = {}
        for number, (key, known) in enumerate(zip(columns.keys, stored, strict=True)):
            if known is None and key not in taken and not deleted.has(key):
                first.setdefault(key, number)
        return NewEvents(columns, list(first.values()), len(first)), Additions(keys=first)
