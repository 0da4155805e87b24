"""Archive snapshot: a secondary of the writer's database, readable up to the watermark and no
further.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from nova.core.commit_feed import CommittedEvent
from nova.core.ordering import TIME_BYTES, series_of_event_key, time_key
from nova.core.query.commit_tail import CommitTail
from nova.core.store.archive import Archive
from nova.core.store.keys import series_bytes
from nova.core.store.series_table import SeriesTable
from nova.sdk.events.event import Series
from nova.sdk.timestamps import NS_MAX, NS_MIN

GIVEN_BACK = b'"DayGivenBack"'
"""In the audit event of a day whose events retention has deleted."""

BESIDE_TAIL_S = 600.0
"""How often an archive catches up beside a tail that has everything: until then its secondary keeps
the space of files that were merged or deleted since. RocksDB's log has a limit, so this costs two
seconds of CPU at most, however much came in.
"""


class ArchiveSnapshot:
    """The archive up to the watermark that the writer announced as durable."""

    def __init__(self, archive: Archive, beside_tail_s: float = BESIDE_TAIL_S) -> None:
        self.archive = archive
        self._beside_tail_s = beside_tail_s
        self._caught_up_at = time.monotonic()
        self.slice_lock = asyncio.Lock()
        """Held for one slice of a range cursor, so that slices run one at a time."""

        self.series = SeriesTable()
        self.watermark = 0
        """Canonical time of the last durable event, in ns; nothing past it is served."""
        self.tail: CommitTail | None = None
        """The newest commits in memory, where this process follows the writer's feed for them."""

        self._behind = True
        self._has_deletions = False
        self._seen_ns = NS_MIN
        self._newest_keys: dict[bytes, bytes] = {}
        """Key of the newest event per series, among the events that the feed listed."""

        self._unlisted_until_ns = NS_MIN
        """Up to this canonical time, series may have events that the feed did not list."""

    def advance(self, watermark: int, events: Sequence[CommittedEvent] | None = None) -> None:
        """Raise the watermark. `events` are all events since the previous one; None if the feed
        did not list them.
        """
        if events is None:
            self._unlisted_until_ns = max(self._unlisted_until_ns, watermark)
            self._newest_keys.clear()
        else:
            self._newest_keys.update({key[TIME_BYTES:]: key for key, _ in events})
        self.watermark = max(self.watermark, watermark)
        # Also if the watermark is unchanged: a commit of duplicates moves counters and positions.
        self._behind = True

    def _forget_events(self) -> None:
        """Let nobody rely on events that were read before: some of them were deleted."""
        self._unlisted_until_ns = max(self._unlisted_until_ns, self.watermark)
        self._newest_keys.clear()

    def add_series(self, number: int, names: Series) -> None:
        """Add a series that the writer has just numbered; missed ones are read from the archive."""
        if number > len(self.series.names):
            self.archive.catch_up()
            self.series.load(self.archive)
        self.series.add(number, names)

    def note_deletions(self, events: Sequence[CommittedEvent]) -> None:
        """Catch up with the archive, when its events are next read, if these say that retention has
        deleted a day. Where a tail is read, the archive is not looked at otherwise.
        """
        audit = self.series.audit_suffixes
        self._has_deletions |= bool(audit) and any(
            key[TIME_BYTES:] in audit and GIVEN_BACK in stored for key, stored in events
        )

    @property
    def deletions_begun(self) -> int:
        """How many days retention has begun to delete, as of the last refresh."""
        return len(self.archive.given_back.entries)

    def changed_since(self, since_ns: int) -> list[int] | None:
        """The series with events after a canonical time; None if any series may have some."""
        if since_ns < self._unlisted_until_ns:
            return None
        seen = time_key(since_ns + 1)
        return [series_of_event_key(key) for key in self._newest_keys.values() if key >= seen]

    def may_have_events_after(self, number: int, since_ns: int) -> bool:
        """Whether a series may have events after a canonical time."""
        newest = self._newest_keys.get(series_bytes(number), b"")
        return since_ns < self._unlisted_until_ns or newest >= time_key(since_ns + 1)

    def held_in_memory(self, start_ns: int, stop_ns: int) -> CommitTail | None:
        """The tail if it has every event from `start_ns` to `stop_ns`; else None, and the archive
        has caught up with that range. It has also caught up with deletions, and does so rarely.
        """
        since_s = time.monotonic() - self._caught_up_at
        if self._has_deletions or since_s >= self._beside_tail_s:
            self._behind, self._has_deletions = True, False
            self.refresh()
        if self.tail is not None and self.tail.covers(start_ns, stop_ns):
            return self.tail
        self.refresh(stop_ns)
        return None

    def refresh(self, until_ns: int = NS_MAX) -> None:
        """Catch up with the writer if it has announced commits since and `until_ns` is after the
        range that was read before, which never changes.
        """
        if self._behind and until_ns > self._seen_ns:
            watermark = self.watermark
            finished = self.archive.given_back.finished
            self.archive.catch_up(watermark)
            self.series.load(self.archive)
            if self.archive.given_back.finished != finished:
                self._forget_events()
            self._behind, self._seen_ns = False, watermark
            self._caught_up_at = time.monotonic()
