"""Counting: the events of a part, and no others of its batch."""

from __future__ import annotations

from collections import Counter

from nova.core.ordering import unsigned_time
from nova.core.store.rollup import FINEST_LEVEL
from nova.core.writer.commit import Commit
from nova.core.writer.stages.rollups import count_rollups
from tests.core.telling import START_NS, telling
from tests.core.writer.staging import new_events, run, stamped

SECOND_NS = 10**9


def test_only_the_events_of_the_part_are_counted(open_commit: Commit) -> None:
    """A batch is counted once however it is split."""
    records = [telling(START_NS + n * SECOND_NS) for n in range(8)]
    events = stamped(new_events(records, [0, 2, 5, 7]), open_commit)
    counts = run(count_rollups, events.part(1, 3), open_commit).rollups
    assert set(counts) == {("source", "sat"), ("canonical", "sat")}
    expected = {unsigned_time(START_NS + n * SECOND_NS) >> FINEST_LEVEL for n in (2, 5)}
    assert set(counts["source", "sat"]) == expected
    assert sum(counts["source", "sat"].values()) == sum(counts["canonical", "sat"].values())


def test_each_scope_is_counted_for_itself(open_commit: Commit) -> None:
    """Also where only the columns name another scope and the part has none of it."""
    scopes = ["a", "b", "a", "b", "b"]
    records = [telling(START_NS, {"n": n}, scope=scope) for n, scope in enumerate(scopes)]
    events = stamped(new_events(records), open_commit)
    counts = run(count_rollups, events, open_commit).rollups
    assert {name: sum(found.values()) for name, found in counts.items()} == {
        (timebase, scope): sum(run(count_rollups, events.part(0, 1), open_commit).rollups[
            "source", "a"].values()) * number
        for timebase in ("source", "canonical")
        for scope, number in Counter(scopes).items()
    }  # fmt: skip
    only_b = run(count_rollups, events.part(3, 5), open_commit).rollups
    assert {scope for _, scope in only_b} == {"b"}
