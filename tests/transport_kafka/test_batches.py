"""Batches: what goes in comes out, in order, in bounded pieces."""

from __future__ import annotations

from confluent_kafka import Message
from hypothesis import given
from hypothesis import strategies as st

from nova.transport_kafka.batches import BATCH_MAX_BYTES, to_batches

MIB = 1024 * 1024
SIZES = st.one_of(st.none(), st.integers(0, 10), st.sampled_from([MIB // 2, MIB, 3 * MIB]))


def messages(parts: list[tuple[int, int | None]]) -> list[Message]:
    return [
        Message("nova.s.raw.v1", partition, offset, b"a.b.c", None if size is None else bytes(size))
        for offset, (partition, size) in enumerate(parts)
    ]


@given(st.lists(st.tuples(st.integers(0, 2), SIZES), max_size=30))
def test_batches_hold_every_message_once_and_resume_behind_it(
    parts: list[tuple[int, int | None]],
) -> None:
    """AMB-18: cut anywhere, the positions add up to the same place."""
    batches = list(to_batches(messages(parts)))
    records = [record for batch in batches for record in batch.records]
    assert [len(record.value) for record in records] == [size or 0 for _, size in parts]
    assert [record.position for record in records] == [
        f"nova.s.raw.v1/{partition}@{offset}" for offset, (partition, _) in enumerate(parts)
    ]
    for batch in batches:
        ends = {p.split("@")[0]: int(p.split("@")[1]) + 1 for _, _, p in batch.records}
        assert batch.positions == ends


@given(st.lists(st.tuples(st.integers(0, 2), SIZES), max_size=30))
def test_a_batch_is_full_with_the_record_that_reaches_the_limit(
    parts: list[tuple[int, int | None]],
) -> None:
    """Memory is bounded: without its last record every batch is below the limit."""
    for batch in to_batches(messages(parts)):
        assert sum(len(record.value) for record in batch.records[:-1]) < BATCH_MAX_BYTES
