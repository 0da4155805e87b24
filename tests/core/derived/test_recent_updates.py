"""Recent updates are complete from a position on, or say that they are not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nova.core.derived.recent_updates import RecentUpdates
from nova.core.query.updates import Update, decode_update
from nova.core.store.checkpoint_store import BEFORE_ALL, position_at
from tests.laws import law

STORED = (
    b'{"sourceTruthTime":"2026-01-01T00:00:00Z","manifestId":"m","manifestVersion":"1",'
    b'"data":{"n":%d}}'
)
TIMES = st.integers(0, 60)


def update(time_ns: int) -> Update:
    """An update at a time, which its data names."""
    return decode_update(position_at(time_ns), time_ns, 1_000 - time_ns, STORED % time_ns)


@law(examples=200)
@given(
    st.integers(-1, 30),
    st.lists(st.lists(TIMES, max_size=8), max_size=6),
    st.sets(st.integers(0, 5)),
    TIMES,
)
def test_what_is_kept_is_all_there_is(
    frontier: int, batches: list[list[int]], halved: set[int], asked: int
) -> None:
    """In whatever order updates come and whenever older ones are forgotten: from a position on
    all are there in order, or none is given.
    """
    start = position_at(frontier) if frontier >= 0 else BEFORE_ALL
    recent, added = RecentUpdates.after(start), set[int]()
    for number, batch in enumerate(batches):
        fresh = set(batch) - added
        recent.add(map(update, sorted(fresh)))
        added |= fresh
        if number in halved:
            recent.drop_older_half()
    for position in (BEFORE_ALL, position_at(asked)):
        found = recent.since(position)
        if found is not None:
            wanted = sorted(time_ns for time_ns in added if position_at(time_ns) >= position)
            assert list(found) == list(map(update, wanted))
    if not halved:
        assert (recent.since(position_at(asked)) is None) == (asked <= frontier)


def test_forgetting_ends_at_nothing() -> None:
    """What was forgotten last is not there any more, and what comes after it is."""
    recent = RecentUpdates()
    recent.add(map(update, range(5)))
    sizes = []
    for _ in range(4):
        sizes.append(recent.size_bytes)
        recent.drop_older_half()
    assert sizes == sorted(sizes, reverse=True) and recent.size_bytes == 0
    assert recent.since(position_at(4)) is None
    recent.add([update(9)])
    assert list(recent.since(position_at(5)) or ()) == [update(9)]
