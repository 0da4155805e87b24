"""A reader's view of the archive: a secondary that follows the writer, up to the durable mark and
no further.
"""

from __future__ import annotations

from core.store.archive import Archive
from core.store.series import SeriesTable
from sdk.event import Series


class View:
    """The archive as far as the writer has said that it is durable."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.series = SeriesTable()
        self.mark = 0
        """Canonical time of the last durable event, in ns; nothing past it is served."""
        self._behind = True

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

    def refresh(self) -> None:
        """Catch up with the writer if it has announced anything since the last time."""
        if self._behind:
            self._behind = False
            self.archive.catch_up()
            self.series.load(self.archive)
