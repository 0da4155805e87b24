"""Finds the events of a batch that are neither in the archive nor in the open commit, and were not
deleted by retention.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from nova.core.ordering import LAST_TAIL, TIME_BYTES
from nova.core.store.archive import Archive
from nova.core.writer.additions import Additions
from nova.core.writer.columns import BatchColumns
from nova.core.writer.commit import Commit
from nova.core.writer.new_events import NewEvents, chosen


class Dedupe:
    """Of events with one order key the first is new.

    An event whose source time is after those of all events before it is new without a look-up,
    unless retention has deleted it. Most events of streams that arrive in order are.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._last_known: bytes | None = None
        """No key after it is in the archive or in the open commit; None: not read yet."""

    def __call__(self, columns: BatchColumns, commit: Commit) -> tuple[NewEvents, Additions]:
        first = dict.fromkeys(columns.keys)
        for key in self._known(first, commit):
            del first[key]
        numbers: Sequence[int] = range(len(columns.keys))
        if len(first) < len(numbers):
            numbers = [number for number, key in enumerate(columns.keys) if key in first]
            if len(first) < len(numbers):  # An event is in the batch several times.
                numbers = sorted(_first_places(columns.keys, numbers))
        if first:
            self._last_known = max(self._last(), max(first)[:TIME_BYTES] + LAST_TAIL)
        return NewEvents(columns, numbers, len(numbers)), Additions(keys=first)

    def _known(self, keys: Collection[bytes], commit: Commit) -> set[bytes]:
        """The keys of events that were stored before."""
        last = self._last()
        old = [key for key in keys if key <= last]
        stored = self._archive.events.event_keys(old)
        known = {key for key, event_key in zip(old, stored, strict=True) if event_key is not None}
        known.update(key for key in old if key in commit.keys)
        deleted = self._archive.deleted_ids
        if not deleted.is_empty():
            known.update(filter(deleted.has, keys))
        return known

    def _last(self) -> bytes:
        if self._last_known is None:
            newest = self._archive.events.last("source")
            self._last_known = b"" if newest is None else newest[0][:TIME_BYTES] + LAST_TAIL
        return self._last_known


def _first_places(keys: Sequence[bytes], numbers: Sequence[int]) -> Collection[int]:
    """Of the places that have one key the first."""
    return dict(zip(chosen(keys, numbers[::-1]), numbers[::-1], strict=True)).values()
