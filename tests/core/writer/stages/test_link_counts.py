"""The counters of links: what each has delivered, and when it was last heard."""

from __future__ import annotations

from collections.abc import Callable

from nova.core.writer.commit import Commit
from nova.core.writer.stages.link_counts import LinkCounts
from nova.sdk.transport.base import Gap, Record
from tests.core.conftest import START_NS
from tests.core.writer.staging import delivered, run

Make = Callable[..., Record]
GAP = Gap("t", 0, 1, 3, "retention")


def test_counts_add_up_for_each_link(open_commit: Commit, record: Make) -> None:
    """A batch of one link leaves the others as they are."""
    stage = LinkCounts(open_commit.state.clock)
    records = [record(1), record(2), Record(None, b"bad")]
    for link, times in (("a", 2), ("b", 1)):
        for _ in range(times):
            batch = delivered(records, new=1, duplicate=1, gaps=[GAP], link=link)
            open_commit.add(run(stage, batch, open_commit))
    counters = open_commit.state.counters
    found = {
        link: (one.received, one.new, one.duplicate, one.rejected, one.gaps)
        for link, one in counters.links.items()
    }
    assert found == {"a": (6, 2, 2, 2, 2), "b": (3, 1, 1, 1, 1)}
    assert counters.duplicates == 3


def test_a_link_was_last_heard_with_its_last_record(open_commit: Commit, record: Make) -> None:
    """A batch of positions or gaps alone is none; the time is not before the last event's."""
    stage, clock = LinkCounts(open_commit.state.clock), open_commit.state.clock
    clock.last_ns = START_NS + 9
    open_commit.add(run(stage, delivered([record(1)]), open_commit))
    assert open_commit.state.counters.links["link"].last_ns == START_NS + 9
    clock.last_ns = START_NS + 20
    open_commit.add(run(stage, delivered(gaps=[GAP]), open_commit))
    assert open_commit.state.counters.links["link"].last_ns == START_NS + 9
    assert clock.last_ns == START_NS + 20
