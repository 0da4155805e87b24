"""How far derived data are behind, in events and seconds, on a real archive and a secondary."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nova.core.metrics.derived_lag import lag_metrics
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store.archive import Archive
from nova.core.store.durability_marker import write_marker
from nova.core.writer.committer import Committer
from nova.sdk.timestamps import NS_MIN, NS_PER_SECOND
from nova.sdk.transport.base import Batch
from tests.core.telling import START_NS, telling

EVENTS = 400


class Behind:
    """An archive with an event each second, and something that follows it."""

    def __init__(self, data: Path, archive: Archive, view: ArchiveSnapshot) -> None:
        self.now_ns = START_NS
        self.cursor_ns = NS_MIN
        self._data = data
        self._archive = archive
        self._view = view
        self._committer = Committer(archive, data, clock=self.clock)
        self._received = 0

    def clock(self) -> int:
        return self.now_ns

    def receive(self, events: int) -> None:
        """Receive events of two scopes that are durable then, one each second."""
        for _ in range(events):
            self.now_ns += NS_PER_SECOND
            self._received += 1
            scope = "sat" if self._received % 3 else "other"
            self._committer.add_batch("link", Batch([telling(self.now_ns, scope=scope)]))
            self._committer.close_commit()
        self._archive.sync()
        write_marker(self._data, self._archive.holdings())

    def look(self) -> None:
        """Bring the snapshot up to now."""
        self._view.advance(self.now_ns)
        self._view.refresh()

    def lag(self) -> tuple[float, float]:
        """In events and seconds."""
        events, seconds = lag_metrics(self._view, {"samples": self.cursor_ns}, self.now_ns)
        (of_events,), (of_seconds,) = events.samples, seconds.samples
        assert of_events.labels == of_seconds.labels == {"data": "samples"}
        return of_events.value, of_seconds.value


@pytest.fixture
def behind(tmp_path: Path, archive: Archive, view: ArchiveSnapshot) -> Iterator[Behind]:
    yield Behind(tmp_path, archive, view)


def test_what_has_not_begun_lacks_everything_and_what_is_there_nothing(behind: Behind) -> None:
    """The lag is counted to the present, also while nothing comes."""
    assert behind.lag() == (0, 0)
    behind.receive(EVENTS)
    behind.look()
    assert behind.lag() == (EVENTS, EVENTS - 1)
    behind.now_ns += 60 * NS_PER_SECOND
    assert behind.lag() == (EVENTS, EVENTS + 59)
    behind.cursor_ns = START_NS + EVENTS * NS_PER_SECOND
    assert behind.lag() == (0, 0)


@pytest.mark.parametrize("done", [1, EVENTS // 2, EVENTS - 20, EVENTS - 1])
def test_a_part_is_counted_from_rollups(behind: Behind, done: int) -> None:
    """To a thirty-second of it; no event is read for that."""
    behind.receive(EVENTS)
    behind.look()
    behind.cursor_ns = START_NS + done * NS_PER_SECOND
    events, seconds = behind.lag()
    assert events == pytest.approx(EVENTS - done, rel=1 / 32, abs=1)
    assert seconds == EVENTS - done - 1


def test_what_came_after_the_cursor_was_reported_counts(behind: Behind) -> None:
    """A busy process reports nothing meanwhile, and its lag must not stand still."""
    behind.receive(EVENTS)
    behind.cursor_ns = START_NS + EVENTS * NS_PER_SECOND
    behind.receive(50)
    behind.look()
    assert behind.lag() == (50, 49)
