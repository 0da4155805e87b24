"""The work has its stated shares, sizes and repetitions; every event is a function of its
number.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from itertools import islice, pairwise

import msgspec
import pytest

from bench.payloads import MESSAGES, Value
from bench.work import ENTITIES, HUNDRED, LATE_MAX_MS, NS_PER_MS, START_NS, Work, unit
from nova.sdk.address import LANES
from nova.sdk.events.event import Event, address_of, check
from nova.sdk.timestamps import NS_PER_SECOND
from nova.sdk.transport.base import Record

EVENTS = 8_000
EVENT_NS = NS_PER_SECOND // 100


@lru_cache(maxsize=1)
def arrived() -> list[tuple[Record, Event]]:
    """All that arrives, each record proved to be an event by the one validator."""
    return [
        (record, check(record.value, address_of(record.address)))
        for record in Work(EVENTS).arrivals()
    ]


def test_every_hundred_events_have_their_shares_of_lanes_and_three_copies() -> None:
    """70 parsed, 20 raw, 8 ui, one of a command, one metadata; copies are exact."""
    seen: set[bytes] = set()
    values: dict[bytes, bytes] = {}
    firsts = []
    for record, event in arrived():
        if event.event_id in seen:
            assert values[event.event_id] == record.value
        else:
            seen.add(event.event_id)
            values[event.event_id] = record.value
            firsts.append(event)
    assert (len(arrived()), len(seen)) == (EVENTS * 103 // 100, EVENTS)
    for start in range(0, EVENTS, HUNDRED):
        lanes = Counter(LANES[event.lane] for event in firsts[start : start + HUNDRED])
        assert lanes == {"parsed": 70, "raw": 20, "ui": 8, "command": 1, "metadata": 1}


def test_records_have_some_330_bytes_and_many_sizes() -> None:
    """The mean is what the figures are said of, and not every record is alike."""
    sizes = [len(record.value) for record, _ in arrived()]
    assert 320 <= sum(sizes) / len(sizes) <= 340
    assert max(sizes) - min(sizes) > 100


def test_entities_are_two_hundred_and_skewed() -> None:
    """The busiest sends a sixth of all, and the rarest sends."""
    counts = Counter(event.series.unique_id for _, event in arrived())
    assert set(counts) == {unit(number)[2] for number in range(ENTITIES)}
    assert 0.12 < counts[unit(0)[2]] / len(arrived()) < 0.22


def test_some_are_late_by_up_to_an_hour_and_many_share_their_nanosecond() -> None:
    """One in twenty is late; times tie across and within lanes (A-034…A-048)."""
    work = Work(EVENTS)
    times = [check(record.value).source_ns for record in work.records()]
    behind = [START_NS + number * EVENT_NS - at_ns for number, at_ns in enumerate(times)]
    late = [by for by in behind if by > NS_PER_SECOND]
    assert 0.04 < len(late) / EVENTS < 0.06
    assert 0.9 < max(late) / (LATE_MAX_MS * NS_PER_MS) < 1.01
    assert min(behind) > -2 * EVENT_NS
    ties = Counter(times)
    assert sum(count for count in ties.values() if count > 1) > EVENTS / 3


def test_payloads_have_every_kind_of_value() -> None:
    """Strings, whole numbers, truths, floats with and without decimals (RFC 8785 spells them
    apart).
    """
    kinds: set[object] = set()
    for _, event in arrived():
        if LANES[event.lane] == "parsed":
            members = msgspec.to_builtins(event.envelope)["payload"]
            for value in members.values():
                kinds.add(
                    "integral" if isinstance(value, float) and value == int(value) else type(value)
                )
    assert kinds == {str, int, bool, float, "integral"}


def test_commands_go_from_request_to_result() -> None:
    """Each command is requested, reported and ended, at addresses of its own (AMB-19)."""
    steps: dict[str, list[str]] = {}
    for record in Work(1_200).records():
        event = check(record.value, address_of(record.address))
        if LANES[event.lane] == "command":
            facts = msgspec.to_builtins(event.envelope)
            steps.setdefault(facts["commandId"], []).append(event.series.message_type)
    assert list(steps.values()) == [["CommandRequest", "CommandProgress", "CommandResult"]] * 4


@pytest.mark.parametrize("first_event", [0, 100, 4_200, 4_257])
def test_a_run_goes_on_from_any_event(first_event: int) -> None:
    """What arrives from a hundred on is the end of what arrives in all."""
    work = Work(6_000)
    rest = list(work.arrivals(first_event))
    assert rest == list(work.arrivals())[-len(rest) :]
    assert len(rest) == (6_000 - first_event // HUNDRED * HUNDRED) * 103 // 100


def test_the_same_seed_makes_the_same_and_another_does_not() -> None:
    """Two makings are equal; other seeds share no event, other scopes no address."""
    records = Work(500).records()
    assert records == Work(500).records()
    assert records == Work(100_000).records()[:500]
    assert not {r.value for r in records} & {r.value for r in Work(500, seed=2).records()}
    assert {r.address for r in records}.isdisjoint(r.address for r in Work(500, "other").records())


def test_batches_are_all_that_arrives() -> None:
    """Cutting into batches loses and adds nothing."""
    work = Work(3_000)
    batches = list(work.batches(700))
    assert [record for part in batches for record in part] == list(work.arrivals())
    assert {len(part) for part in batches[:-1]} == {700}


def test_a_timeline_may_be_of_ui_events_alone() -> None:
    """Every event of it may be streamed to a browser (A-153)."""
    records = Work(300, ui_only=True).records()
    assert {check(record.value).series.lane for record in records} == {"ui"}
    maker = Work(1).maker()
    update = check(maker.ui_record(10**9, START_NS).value)
    assert msgspec.to_builtins(update.envelope)["data"]["count"] == 10**9


def test_work_without_lateness_is_in_the_order_of_time() -> None:
    """`late` is a share, and none of it means none."""
    times = [
        check(record.value).source_ns for record in islice(Work(2_000, late=0).records(), 2_000)
    ]
    assert all(later > earlier - 10 * EVENT_NS for earlier, later in pairwise(times))


def test_messages_differ_in_their_number_of_members() -> None:
    """A spread of field counts, as instruments have them."""
    counts: list[int] = [len(members) for members in MESSAGES.values()]
    every: list[Value] = [value for members in MESSAGES.values() for value in members.values()]
    assert (min(counts), max(counts), len(every)) == (4, 10, sum(counts))
