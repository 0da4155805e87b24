"""A reader's view of the archive: a secondary that follows the writer, up to the durable mark and
no further.
"""

from __future__ import annotations

from core.store.archive import Archive
from core.store.series import SeriesTable
from sdk.event import Series
from sdk.timestamps import NS_MAX, NS_MIN


class View:
    """The archive as far as the writer has said that it is durable."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.series = SeriesTable()
        self.mark = 0
        """Canonical time of the last durable event, in ns; nothing past it is served."""
        self._behind = True
        self._seen_ns = NS_MIN

    def advance(self, mark: int) -> None:
        """Take note of a newer durable mark."""
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

    def refresh(self, until_ns: int = NS_MAX) -> None:
        """Catch up with the writer if it has announced anything since the last time that may lie at
        or before a canonical time; what is older than what was seen never changes.
        """
        if self._behind and until_ns > self._seen_ns:
            mark = self.mark
            self.archive.catch_up()
            self.series.load(self.archive)
            self._behind, self._seen_ns = False, mark
