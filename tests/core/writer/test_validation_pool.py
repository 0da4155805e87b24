"""Validation in a worker process or thread gives the same results in the same order, also when
workers die.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.writer import validation_pool
from nova.core.writer.columns import BatchColumns, check_records
from nova.core.writer.validation_pool import WORKER_MIN_RECORDS, ValidationPool
from nova.sdk.events.checker import Checker, RejectedRecord
from nova.sdk.events.event import ENVELOPE_MAX_BYTES, Series
from nova.sdk.transport.base import Record
from nova.sdk.worker_process import WorkerProcess
from tests.core.conftest import Make
from tests.laws import law
from tests.sdk.events.mutated_records import needs_native
from tests.sdk.manifests.test_manifest import MANIFEST

MANY = WORKER_MIN_RECORDS


@pytest.fixture(autouse=True)
def native(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are processes where there is no native part."""
    monkeypatch.setenv("NOVA_NATIVE", getattr(request, "param", "0"))


in_thread = pytest.mark.parametrize(
    "native", [pytest.param("1", marks=needs_native)], indirect=True
)


@pytest.fixture
async def beside() -> AsyncIterator[ValidationPool]:
    """A checking whose process runs already."""
    opened = ValidationPool(Checker("sat"), "sat", ENVELOPE_MAX_BYTES)
    opened.check([[Record(None, b"bad")] * MANY])
    async with asyncio.timeout(30):
        while opened.process_id is None:
            await asyncio.sleep(0.01)
    yield opened
    await opened.close()


def here(records: list[Record]) -> BatchColumns:
    """What checking in this process finds."""
    return check_records(records, Checker("sat"))


async def test_many_are_checked_beside_and_found_alike(
    beside: ValidationPool, record: Make
) -> None:
    """A-078: events, refusals and requests come back as they would have been found here."""
    mixed = [
        record(n, lane=lane) for n, lane in enumerate(("raw", "ui", "parsed", "metadata") * 99)
    ]
    mixed[7] = Record("nova.sat.raw.bus.eps.u.v1", b'{"lane":1}', "topic/7")
    mixed[8] = Record(None, b"\xff")
    other = [record(n) for n in range(3)]
    found = await beside.check([mixed, other])
    assert found == [here(mixed), here(other)]
    assert [refused.place for refused in found[0].refusals] == [7, 8]


async def test_manifests_hold_in_the_process_beside() -> None:
    """AMB-48: an update is refused wherever it is checked, by key and rule."""
    checker = Checker("sat", manifests=[MANIFEST])
    opened = ValidationPool(checker, "sat", ENVELOPE_MAX_BYTES, [MANIFEST])
    updates = [Record(None, update(n)) for n in range(MANY)]
    try:
        async with asyncio.timeout(30):
            while opened.process_id is None:
                await opened.check([updates])
                await asyncio.sleep(0.01)
        found = await opened.check([updates])
    finally:
        await opened.close()
    assert found == [check_records(updates, checker)]
    assert [refused.member for refused in found[0].refusals] == ["data.flow"] * (MANY - 11)


def update(flow: int) -> bytes:
    """An update of a pump, which allows a flow of at most ten."""
    ids = {"scopeId": "sat", "lane": "ui", "systemId": "a", "containerId": "b", "uniqueId": "c"}
    names = {"viewId": "v", "manifestId": "pump", "manifestVersion": "1.2.0"}
    time = {"sourceTruthTime": "2026-01-01T00:00:00Z", "messageType": "UiUpdate"}
    return msgspec.json.encode({**ids, **time, **names, "data": {"flow": flow}})


@law(50)
@given(st.lists(st.integers(0, 2_000), max_size=6))
def test_what_is_cut_is_joined_again(sizes: list[int]) -> None:
    """A-078: whatever the batches, requests are small, and the parts make the batches again."""
    values = iter(b"bad" if n % 7 == 3 else b"{%d}" % n for n in range(sum(sizes)))
    group = [[Record(None, next(values), "p") for _ in range(size)] for size in sizes]
    requests = validation_pool.split_group(group)
    assert all(sum(map(len, request)) <= validation_pool.REQUEST_RECORDS for request in requests)
    parts = [part for request in requests for part in request]
    assert [one for part in parts for one in part] == [one for batch in group for one in batch]
    found = validation_pool.join_group(group, [pretended(part) for part in parts])
    assert list(map(told, found)) == [told(pretended(batch)) for batch in group]


def pretended(records: Sequence[Record]) -> BatchColumns:
    """An event of each record, two series to a part, and refusals of some, known by place."""
    events = [record.value for record in records if record.value != b"bad"]
    refusals = [
        RejectedRecord(place, "code", "", "")
        for place, record in enumerate(records)
        if record.value == b"bad"
    ]
    names = [Series("sat", "raw", "a", "b", name, "", "") for name in ("even", "odd")]
    numbers = [int(event[1:-1]) % 2 for event in events]
    requests = [(place, event.decode()) for place, event in enumerate(events) if event[1:2] == b"9"]
    versions = ["", ""]
    sparse = [place for place, event in enumerate(events) if event[1:2] == b"8"]
    columns = list(events), numbers, list(events), names, versions
    return BatchColumns(*columns, sparse, requests, refusals)


def told(incoming: BatchColumns) -> tuple[object, ...]:
    """What is announced, with each event's series in place of its number, which may differ."""
    series = [incoming.names[number] for number in incoming.series]
    few = incoming.sparse, incoming.requests, incoming.refusals
    return incoming.keys, incoming.bodies, series, *few


def note(finished: list[int], number: int, _: object) -> None:
    finished.append(number)


async def test_answers_come_in_the_order_of_asking(beside: ValidationPool, record: Make) -> None:
    """A-085: a small batch behind a large one is not stored before it."""
    finished: list[int] = []
    answers = []
    for number, count in enumerate((4 * MANY, 1, MANY, 2)):
        answer = beside.check([[record(n) for n in range(count)]])
        answer.add_done_callback(partial(note, finished, number))
        answers.append(answer)
    await asyncio.gather(*answers)
    assert finished == [0, 1, 2, 3]


async def test_a_few_are_checked_here_at_once(beside: ValidationPool, record: Make) -> None:
    """At low rates nothing waits for another process."""
    assert beside.check([[record(1)]]).done()


async def test_a_process_that_dies_loses_nothing(beside: ValidationPool, record: Make) -> None:
    """A-085: what it had is checked here, and all that comes after."""
    assert beside.process_id is not None
    batches = [[record(n + MANY * part) for n in range(MANY)] for part in range(6)]
    os.kill(beside.process_id, signal.SIGSTOP)
    answers = [beside.check([batch]) for batch in batches]
    os.kill(beside.process_id, signal.SIGKILL)
    async with asyncio.timeout(30):
        found = [await answer for answer in answers]
    assert found == [[here(batch)] for batch in batches]
    late = [record(n) for n in range(MANY)]
    assert await beside.check([late]) == [here(late)]


async def test_what_comes_while_the_process_is_buried_is_checked_too(
    beside: ValidationPool, record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-085: between its death and the end of it, batches go on coming."""
    assert beside.process_id is not None
    bury, dead = WorkerProcess.stop, asyncio.Event()

    async def slowly(process: WorkerProcess[object]) -> None:
        dead.set()
        await asyncio.sleep(0.2)
        await bury(process)

    monkeypatch.setattr(WorkerProcess, "stop", slowly)
    many = [record(n) for n in range(MANY)]
    os.kill(beside.process_id, signal.SIGSTOP)
    first = beside.check([many])
    os.kill(beside.process_id, signal.SIGKILL)
    async with asyncio.timeout(30):
        await dead.wait()
        second = beside.check([many[:1]])
        assert [await first, await second] == [[here(many)], [here(many[:1])]]


async def test_a_process_that_hangs_is_given_up(record: Make) -> None:
    """What it was asked is checked here, and all that comes after; it is ended."""
    opened = ValidationPool(Checker("sat"), "sat", ENVELOPE_MAX_BYTES, reply_timeout_s=0.3)
    many = [record(n) for n in range(MANY)]
    async with asyncio.timeout(30):
        while opened.process_id is None:
            await opened.check([many])
            await asyncio.sleep(0.01)
        os.kill(opened.process_id, signal.SIGSTOP)
        hung = Path(f"/proc/{opened.process_id}")
        assert await opened.check([many]) == [here(many)]
        assert await opened.check([many]) == [here(many)]
        assert not hung.exists()
    await opened.close()


@in_thread
async def test_a_thread_checks_alike_and_in_order(record: Make) -> None:
    """A-078, A-085: large groups with refusals and requests, and small ones behind them."""
    opened = ValidationPool(Checker("sat"), "sat", ENVELOPE_MAX_BYTES)
    lanes = ("raw", "ui", "parsed", "metadata", "command")
    mixed = [record(n, lane=lanes[n % len(lanes)]) for n in range(2 * MANY)]
    mixed[7] = Record("nova.sat.raw.bus.eps.u.v1", b'{"lane":1}', "topic/7")
    few = [record(n) for n in range(3)]
    groups: list[list[list[Record]]] = [[mixed, few], [few[:1]], [mixed], [[]]]
    finished: list[int] = []
    for _ in range(2):  # The second time the streams are known.
        answers = [opened.check(group) for group in groups]
        for number, answer in enumerate(answers):
            answer.add_done_callback(partial(note, finished, number))
        assert not any(answer.done() for answer in answers)
        for group, answer in zip(groups, answers, strict=True):
            assert list(map(told, await answer)) == [told(here(batch)) for batch in group]
        await asyncio.sleep(0)
    assert finished == [*range(len(groups))] * 2
    assert opened.process_id is None
    await opened.close()


@in_thread
async def test_a_few_are_checked_without_the_thread(record: Make) -> None:
    """At low rates nothing waits for another thread."""
    opened = ValidationPool(Checker("sat"), "sat", ENVELOPE_MAX_BYTES)
    assert opened.check([[record(1)]]).done()
    await opened.check([[record(n) for n in range(MANY)]])
    assert opened.check([[record(1)]]).done()
    await opened.close()


async def test_one_core_checks_all_by_itself(monkeypatch: pytest.MonkeyPatch, record: Make) -> None:
    """A second process on one core would only take turns with this one."""
    monkeypatch.setattr(validation_pool, "available_cores", lambda: 1)
    alone = ValidationPool(Checker("sat"), "sat", ENVELOPE_MAX_BYTES)
    assert alone.check([[record(n) for n in range(MANY)]]).done()
    await alone.close()


async def test_closing_leaves_no_process(record: Make) -> None:
    """Nothing that a writer starts outlives it."""
    opened = ValidationPool(Checker("sat"), "sat", ENVELOPE_MAX_BYTES)
    opened.check([[record(n) for n in range(MANY)]])
    async with asyncio.timeout(30):
        while opened.process_id is None:
            await asyncio.sleep(0.01)
    found = Path(f"/proc/{opened.process_id}")
    assert found.exists()
    await opened.close()
    assert not found.exists()
