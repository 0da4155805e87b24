"""A reader's view of the archive: a secondary that follows the writer, up to the durable mark and
no further.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from core.feed import CommittedEvent
from core.ordering import TIME_BYTES, series_of, time_key
from core.store.archive import Archive
from core.store.keys import series_bytes
from core.store.series import SeriesTable
from sdk.event import Series
from sdk.timestamps import NS_MAX, NS_MIN


class View:
    """The archive as far as the writer has said that it is durable."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.turns = asyncio.Lock()
        """Held for a step of a long reading, so that one is made at a time, whoever asks."""

        self.series = SeriesTable()
        self.mark = 0
        """Canonical time of the last durable event, in ns; nothing past it is served."""
        self._behind = True
        self._seen_ns = NS_MIN
        self._newest: dict[bytes, bytes] = {}
        """The places of the newest events of series, as far as they were told."""

        self._untold_ns = NS_MIN
        """Up to this canonical time any series may have events that nobody told of."""

    def advance(self, mark: int, events: Sequence[CommittedEvent] | None = None) -> None:
        """Take note of a newer durable mark; `events` are all that have come since the one before,
        where they are told.
        """
        if events is None:
            self._untold_ns = max(self._untold_ns, mark)
            self._newest.clear()
        else:
            self._newest.update({place[TIME_BYTES:]: place for place, _ in events})
        self.mark = max(self.mark, mark)
        self._behind = (
            True  # a commit of duplicates alone moves counters and positions, not the mark
        )

    def learn(self, number: int, names: Series) -> None:
        """Take in a series that the writer has just numbered, reading those in between if some were
        missed.
        """
        if number > len(self.series.names):
            self.archive.catch_up()
            self.series.load(self.archive)
        self.series.learn(number, names)

    def changed_since(self, seen_ns: int) -> list[int] | None:
        """The series with events after a canonical time, None where it may be any."""
        if seen_ns < self._untold_ns:
            return None
        seen = time_key(seen_ns + 1)
        return [series_of(place) for place in self._newest.values() if place >= seen]

    def has_news(self, number: int, seen_ns: int) -> bool:
        """Whether a series may have events after a canonical time."""
        newest = self._newest.get(series_bytes(number), b"")
        return seen_ns < self._untold_ns or newest >= time_key(seen_ns + 1)

    def refresh(self, until_ns: int = NS_MAX) -> None:
        """Catch up with the writer if it has announced anything since the last time that may lie at
        or before a canonical time; what is older than what was seen never changes.
        """
        if self._behind and until_ns > self._seen_ns:
            mark = self.mark
            self.archive.catch_up(mark)
            self.series.load(self.archive)
            self._behind, self._seen_ns = False, mark
