"""The runner: history first, then tick by tick, and the same again after a restart."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from sdk import timestamps
from sdk.simulator.runner import run
from sdk.simulator.telemetry import CAPABILITIES
from sdk.transport.base import Receipt, Record
from tests.sdk.tape import Tape

NOON = timestamps.parse("2026-11-01T12:00:00.25Z")
SECOND = 10**9


class Clock:
    """Time that passes only while somebody waits for it, and stands still at `end_ns`."""

    def __init__(self, start_ns: int, end_ns: int) -> None:
        self.ns = start_ns
        self.end_ns = end_ns
        self.over = asyncio.Event()

    def now_ns(self) -> int:
        """The time."""
        return self.ns

    async def sleep_until(self, at_ns: int) -> None:
        """Jump there; at the end, wait to be cancelled."""
        self.ns = max(self.ns, at_ns)
        if self.ns >= self.end_ns:
            self.over.set()
            await asyncio.Event().wait()


async def played(
    tape: Tape, seconds: int, history_s: int = 0, rate_hz: float = 1.0, start_ns: int = NOON
) -> Tape:
    """What a simulator publishes in a span of its clock."""
    clock = Clock(start_ns, start_ns + seconds * SECOND)
    running = asyncio.create_task(
        run(tape, "demo", rate_hz=rate_hz, history_s=history_s, clock=clock)
    )
    await clock.over.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return tape


def ticks(tape: Tape) -> list[int]:
    """The instants of its raw frames of one unit, in the order in which they came."""
    return [
        event.source_ns
        for event in tape.events.values()
        if (event.series.lane, event.series.unique_id) == ("raw", "gps")
    ]


def lanes_of(tape: Tape) -> Counter[str]:
    """How many events of each lane."""
    return Counter(event.series.lane for event in tape.events.values())


async def test_ticks_lie_on_whole_periods() -> None:
    """At 2 Hz, every half second, from the first after the start."""
    tape = await played(Tape(), 3, rate_hz=2.0)
    first = timestamps.parse("2026-11-01T12:00:00.5Z")
    assert ticks(tape) == [first + number * SECOND // 2 for number in range(len(ticks(tape)))]
    assert len(ticks(tape)) == 6


async def test_about_eighteen_events_a_second() -> None:
    """The rate that the demo promises, over all lanes."""
    tape = await played(Tape(), 11)
    lanes = lanes_of(tape)
    assert lanes["raw"] == lanes["parsed"] == lanes["ui"] == 66
    assert lanes["metadata"] >= len(CAPABILITIES)
    assert all(tape.publishes)


async def test_fast_telemetry_does_not_flood_the_screen() -> None:
    """At 10 Hz, ten times the raw and parsed events, and no more updates than at 1 Hz."""
    slow, fast = [lanes_of(await played(Tape(), 11, rate_hz=hz)) for hz in (1.0, 10.0)]
    assert fast["raw"] == fast["parsed"] >= 9 * slow["raw"]
    assert slow["ui"] <= fast["ui"] <= slow["ui"] + len(CAPABILITIES)


async def test_history_comes_first_and_joins_the_present() -> None:
    """Ten minutes at a lower rate, then each second, strictly forward in time."""
    tape = await played(Tape(), 5, history_s=600)
    times = ticks(tape)
    assert times == sorted(set(times))
    past = [time for time in times if time < NOON]
    assert len(past) == 120
    assert {b - a for a, b in pairwise(past)} == {5 * SECOND}
    assert min(event.source_ns for event in tape.events.values()) == past[0] - 1


async def test_restart_publishes_nothing_new_of_the_past() -> None:
    """A second simulator with the same seed repeats itself: its history is duplicates."""
    tape = await played(Tape(), 60, history_s=600)
    before = set(tape.events)
    await played(tape, 2, history_s=600, start_ns=NOON + 60 * SECOND)
    fresh = [event for key, event in tape.events.items() if key not in before]
    again = [event for event in fresh if event.source_ns < NOON + 59 * SECOND]
    assert [event.series.message_type for event in again] == ["ProducerDescriptor"] * 6


async def test_all_that_is_published_is_valid() -> None:
    """The Core would reject nothing of it, through a whole orbit with its changes of mode."""
    tape = await played(Tape(), 1, history_s=6100)
    assert len(tape.events) == len(tape.records)
    modes = [one for one in tape.events.values() if one.series.message_type == "ModeChanged"]
    assert len(modes) >= 2


async def test_stalled_transport_does_not_pile_up_the_past() -> None:
    """After an outage the satellite goes on with the present."""
    clock = Clock(NOON, NOON + 100 * SECOND)

    class Stalling(Tape):
        """Takes forty seconds for its third publish."""

        async def publish(self, records: Sequence[Record]) -> Receipt:
            """Let the time pass."""
            if len(self.publishes) == 2:
                clock.ns += 40 * SECOND
            return await super().publish(records)

    tape = Stalling()
    running = asyncio.create_task(run(tape, "demo", clock=clock))
    await clock.over.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    gaps = [b - a for a, b in pairwise(ticks(tape))]
    assert gaps.count(40 * SECOND) == 1
    assert set(gaps) == {SECOND, 40 * SECOND}
