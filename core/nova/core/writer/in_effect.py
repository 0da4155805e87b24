"""The descriptors and manifests in effect for the writer, by its own commits."""

from __future__ import annotations

from nova.core.effect import moment
from nova.core.effect.moment import Moment
from nova.core.effect.published import PublishedMetadata
from nova.core.ordering import Timebase
from nova.core.store.archive import Archive
from nova.core.store.series_table import SeriesTable
from nova.core.writer.committer import Committer


class CommittedArchive:
    """The archive up to the last closed commit."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer

    @property
    def archive(self) -> Archive:
        return self._committer.archive

    @property
    def series(self) -> SeriesTable:
        return self._committer.series

    @property
    def watermark(self) -> int:
        """The canonical time in ns of that commit's last event."""
        return self._committer.marker().canonical_ns

    def may_have_events_after(self, number: int, since_ns: int) -> bool:
        newest_ns = self.archive.series.last_received_ns(number)
        return newest_ns is not None and newest_ns > since_ns


class InEffect:
    """What is in effect now in the instance's timebase, as `discover` shows it."""

    def __init__(self, committer: Committer, timebase: Timebase, own_scope: str) -> None:
        self._committer = committer
        self._timebase = timebase
        self.own_scope = own_scope
        self.published = PublishedMetadata(CommittedArchive(committer), own_scope)

    def now(self) -> Moment:
        """The moment at which commands are checked."""
        return moment.now(self._timebase, self._committer.last_ns)
