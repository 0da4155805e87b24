"""Batches in memory: all after a number, or none that pass for all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nova.hardware.outbox_rows import READ_MAX_RECORDS
from nova.hardware.recent_batches import RecentBatch, RecentBatches
from nova.sdk.transport.base import Record


def batch(number: int, count: int = 1) -> RecentBatch:
    """A batch of some records."""
    return RecentBatch(number, 10 * count, [Record(None, b"x")] * count)


@given(st.lists(st.integers(0, 3), max_size=40))
def test_what_is_returned_is_all_that_is_not_published(steps: list[int]) -> None:
    """Whatever fails to be stored, comes out of order, or is published in between."""
    recent, stored, published, number = RecentBatches(0), list[int](), 0, 0
    for step in steps:
        number += 1
        if step == 0:  # It could not be stored.
            continue
        if step == 1:  # The next is announced before it.
            recent.add(batch(number + 1))
            recent.add(batch(number))
            stored += [number, number + 1]
            number += 1
        else:
            recent.add(batch(number))
            stored.append(number)
        if step == 3:
            published = number - 1
        unpublished = [one for one in stored if one > published]
        found = [one.number for one in recent.unpublished(published)]
        assert found in ([], unpublished)


def test_a_publisher_that_keeps_up_finds_all_here() -> None:
    """Also again after it had fallen behind."""
    recent = RecentBatches(0, max_bytes=100)
    for number in range(1, 10):
        recent.add(batch(number))
        assert [one.number for one in recent.unpublished(number - 1)] == [number]
    recent.add(batch(10, 11))
    assert recent.unpublished(9) == []
    recent.add(batch(11))
    assert recent.unpublished(9) == []
    assert [one.number for one in recent.unpublished(10)] == [11]


def test_a_read_has_its_limits_though_more_is_here() -> None:
    """A batch over the limit comes alone, and what is behind it comes next."""
    recent = RecentBatches(0)
    sizes = (READ_MAX_RECORDS + 1, READ_MAX_RECORDS - 1, 1, 1)
    for number, size in enumerate(sizes, 1):
        recent.add(batch(number, size))
    reads = [[one.number for one in recent.unpublished(published)] for published in (0, 1, 3, 4)]
    assert reads == [[1], [2, 3], [4], []]
