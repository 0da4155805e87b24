"""Feeding: everything in order, at the requested pace, with a true tally."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from nova.recordings.recording import Step, event_step
from nova.recordings.recording_feed import (
    LISTED_MAX,
    NO_ADDRESS,
    READ_AHEAD_MAX_STEPS,
    Pace,
    PublishTally,
    publish_recording,
)
from nova.sdk import timestamps
from nova.sdk.errors import TransportError
from nova.sdk.events.observation import Entity, Observer
from nova.sdk.producer.producer import Producer, Retry
from nova.sdk.transport.base import Record
from tests.sdk.tape import Tape

GPS = Entity("sat", "gnc", "gps")
NOON = timestamps.parse("2026-01-01T12:00:00Z")
AT_ONCE = Retry(first_delay_s=0.0, max_delay_s=0.0)


def steps_of(count: int, apart_ns: int = 1) -> Iterator[Step]:
    """Good steps of one event each."""
    observer = Observer("s")
    for number in range(count):
        event = observer.observe(GPS, NOON + number * apart_ns).raw(number.to_bytes(4))
        yield event_step(number + 1, f"byte {number}", [event])


async def test_all_steps_arrive_in_order() -> None:
    """Also when there are many more than are read ahead, and a publish fails now and then."""
    count = 3 * READ_AHEAD_MAX_STEPS + 7
    tape = Tape(["none", "lost", "none", "lost", "lost"])
    tally = PublishTally()
    offsets: list[int] = []
    producer = Producer(tape, "s", retry=AT_ONCE)
    await publish_recording(steps_of(count), producer, tally, report=offsets.append)
    assert [record.value for record in tape.records] == [
        one.records[0].value for one in steps_of(count)
    ]
    assert (tally.sent, tally.new, tally.duplicate, tally.stored) == (count, count, 0, 0)
    assert tally.is_clean
    assert offsets == sorted(offsets)
    assert offsets[-1] == count


async def test_second_time_all_are_duplicates() -> None:
    """Producing is idempotent."""
    tape, tally = Tape(), PublishTally()
    await publish_recording(steps_of(10), Producer(tape, "s"), PublishTally())
    await publish_recording(steps_of(10), Producer(tape, "s"), tally)
    assert (tally.sent, tally.new, tally.duplicate) == (10, 0, 10)


async def test_rejections_name_their_place() -> None:
    """All are counted, the first few kept with their words and their place in the file."""
    bad = [Step(n, f"line {n}", (Record(None, b"{}"),)) for n in range(1, 31)]
    tally = PublishTally()
    await publish_recording(iter([*steps_of(1), *bad]), Producer(Tape(), "s"), tally)
    assert (tally.new, tally.rejected) == (1, 30)
    assert len(tally.rejections) == LISTED_MAX
    assert tally.rejections[0][:3] == ("line 1", "missingMember", "lane")
    assert not tally.is_clean


async def test_problems_and_notes_are_counted() -> None:
    """A problem spoils the tally, a note does not."""
    noted = Step(1, "line 1", (), note="odd")
    tally = PublishTally()
    await publish_recording(iter([noted, noted]), Producer(Tape(), "s"), tally)
    assert tally.is_clean
    assert tally.notes == {"odd": (2, "line 1")}
    await publish_recording(
        iter([Step(1, "line 9", (), problem="bad")]), Producer(Tape(), "s"), tally
    )
    assert (tally.unreadable, tally.problems) == (1, ["line 9: bad"])
    assert not tally.is_clean


async def test_brokers_get_only_records_with_an_address() -> None:
    """A broker could not even store the others: they are counted as unreadable."""
    steps = [Step(1, "line 1", (Record(None, b"{}"),)), *steps_of(1)]
    tape, tally = Tape(), PublishTally()
    await publish_recording(iter(steps), Producer(tape, "s"), tally, requires_address=True)
    assert len(tape.records) == 1
    assert (tally.sent, tally.problems) == (1, [f"line 1: {NO_ADDRESS}"])


async def test_failure_leaves_a_true_tally() -> None:
    """When the transport stays away, what was sent until then is counted and nothing else."""
    count = 2 * READ_AHEAD_MAX_STEPS
    tape, tally = Tape(["none", "lost"]), PublishTally()
    producer = Producer(tape, "s", retry=Retry(deadline_s=0.0))
    with pytest.raises(TransportError):
        await publish_recording(steps_of(count), producer, tally)
    assert tally.sent == len(tape.records) == READ_AHEAD_MAX_STEPS


async def test_reader_that_fails_stops_the_feed() -> None:
    """An error of the file reaches the caller, and no publish continues behind its back."""

    def broken() -> Iterator[Step]:
        yield from steps_of(READ_AHEAD_MAX_STEPS)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk"):
        await publish_recording(broken(), Producer(Tape(), "s"), PublishTally())
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_pace_follows_source_time() -> None:
    """Half an hour at twice real time is a quarter of an hour; what is late is due at once."""
    clock = 100.0
    pace = Pace(2.0, lambda: clock)
    assert pace.delay_s(NOON) == 0.0
    assert pace.delay_s(NOON + 1800 * 10**9) == 900.0
    assert pace.delay_s(None) == 0.0
    assert pace.delay_s(NOON - 5 * 10**9) == 0.0
    clock = 1500.0
    assert pace.delay_s(NOON + 1800 * 10**9) == 0.0
    assert Pace(None).delay_s(NOON) == 0.0


async def test_paced_feed_publishes_step_by_step() -> None:
    """At a rate, each step is published when it is due, not when the file has been read; by a clock
    that stands still none is ever late.
    """
    tape = Tape()
    pace = Pace(1000.0, lambda: 100.0)
    await publish_recording(steps_of(5, 10**9), Producer(tape, "s"), PublishTally(), pace=pace)
    assert [len(publish) for publish in tape.publishes] == [1, 1, 1, 1, 1]
