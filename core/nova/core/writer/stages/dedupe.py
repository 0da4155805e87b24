"""Finds the events of a batch that are neither in the archive nor in the open commit, and were not
deleted by retention.
"""

from __future__ import annotations

from collections.abc import Sequence

from nova.core.ordering import LAST_TAIL, TIME_BYTES
from nova.core.store.archive import Archive
from nova.core.writer.additions import Additions
from nova.core.writer.columns import BatchColumns
from nova.core.writer.commit import Commit
from nova.core.writer.new_events import NewEvents, chosen_bytes
from nova.sdk.native import native_part


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
        last = self._last()
        numbers, old, newest = first_places(columns.keys, last)
        known = self._known(columns.keys, numbers, old, commit)
        if known:
            numbers = [number for number in numbers if number not in known]
        if numbers:
            self._last_known = max(last, newest[:TIME_BYTES] + LAST_TAIL)
        return NewEvents(columns, numbers, len(numbers)), Additions(
            keys=chosen_bytes(columns.keys, numbers)
        )

    def _known(
        self, keys: Sequence[bytes], numbers: Sequence[int], old: Sequence[int], commit: Commit
    ) -> set[int]:
        """Of these numbers those of events that were stored before; `old` are the ones that are not
        after every event.
        """
        taken = commit.keys
        looked_up = [number for number in old if keys[number] not in taken]
        stored = self._archive.events.event_keys([keys[number] for number in looked_up])
        known = set(old).difference(looked_up)
        known.update(
            number
            for number, event_key in zip(looked_up, stored, strict=True)
            if event_key is not None
        )
        deleted = self._archive.deleted_ids
        if not deleted.is_empty():
            known.update(number for number in numbers if deleted.has(keys[number]))
        return known

    def _last(self) -> bytes:
        if self._last_known is None:
            newest = self._archive.events.last("source")
            self._last_known = b"" if newest is None else newest[0][:TIME_BYTES] + LAST_TAIL
        return self._last_known


def first_places(keys: Sequence[bytes], last: bytes) -> tuple[Sequence[int], list[int], bytes]:
    """Of the keys that are equal the places of the first, ascending; of these the places of keys
    not after `last`; and the last key of all, empty if there are none.
    """
    every = range(len(keys))
    if native := native_part():
        first, old, newest = native.first_places(keys, last)
        return every if first is None else first, old, newest or b""
    places: Sequence[int] = every
    if len(set(keys)) < len(keys):
        places = sorted(dict(zip(reversed(keys), reversed(every), strict=True)).values())
    return places, [place for place in places if keys[place] <= last], max(keys, default=b"")
