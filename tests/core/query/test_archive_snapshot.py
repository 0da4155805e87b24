"""A snapshot catches up if the requested data may have changed, and only then."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from nova.core.commit_feed import CommitFrame
from nova.core.ordering import Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.range_cursor import RangeCursor, Span
from nova.sdk.protocol.messages import Filters
from tests.core.conftest import START_NS, Make

Commit = Callable[[Sequence[object]], CommitFrame]


@pytest.fixture
def followed(view: ArchiveSnapshot, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Notes the mark at each catching up."""
    marks: list[int] = []
    catch_up = view.archive.catch_up

    def noted(until_ns: int) -> None:
        marks.append(view.watermark)
        catch_up(until_ns)

    monkeypatch.setattr(view.archive, "catch_up", noted)
    return marks


def read(view: ArchiveSnapshot, timebase: Timebase, stop_ns: int) -> int:
    """How many events there are up to a time."""
    reading = RangeCursor(
        view, EventFilter(Filters(), view.series), Span(timebase, stop_ns=stop_ns)
    )
    return len(reading.read_slice(1_000))


def test_the_past_needs_no_catching_up(
    view: ArchiveSnapshot, followed: list[int], commit: Commit, record: Make
) -> None:
    """Before a shown event the canonical order never changes; source order may."""
    old = commit([record(n) for n in range(10)]).watermark
    assert read(view, "canonical", old) == 10
    new = commit([record(n) for n in range(10, 15)]).watermark
    assert read(view, "canonical", old) == 10
    assert followed == [old]
    assert read(view, "source", START_NS + 12_000_000) == 13
    assert followed == [old, new]
    assert read(view, "canonical", new) == 15
    assert followed == [old, new]
