"""Outboxes: a disk that is full makes devices wait, and loses nothing."""

from __future__ import annotations

import asyncio
import json
import random
import resource
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from nova.hardware.database_file import FILE_NAME
from nova.hardware.outbox import SMALL_BATCH_RECORDS, Outbox
from nova.sdk.producer.producer import Producer
from nova.sdk.transport.base import Record
from tests.hardware.bench_device import Line
from tests.hardware.stored import rows
from tests.hardware.test_outbox_log import OpenedLog, opened, records


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """No file may grow beyond what the database's log has now."""
    size_bytes = (folder / f"{FILE_NAME}-wal").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes + 10, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@asynccontextmanager
async def publishing(outbox: Outbox) -> AsyncIterator[None]:
    """Publish until everything is, at the end of the block."""
    work = asyncio.create_task(outbox.run())
    yield
    async with asyncio.timeout(20):
        await outbox.wait_drained()
    work.cancel()
    await asyncio.wait((work,))


@asynccontextmanager
async def opened_copy(folder: Path) -> AsyncIterator[OpenedLog]:
    """The log as the next host would find it if this one were killed now."""
    copy = folder / "copy"
    copy.mkdir()
    for path in folder.glob(f"{FILE_NAME}*"):
        shutil.copy(path, copy)
    async with opened(copy, drops=False) as log:
        yield log


def outbox_of(log: OpenedLog, line: Line) -> Outbox:
    """An outbox that publishes to a line."""
    return Outbox("readings", log, Producer(line, "sat"))


async def test_a_full_disk_is_waited_for(tmp_path: Path) -> None:
    """`put` returns when there is room again; what it was given is there once and in order."""
    line = Line()
    async with opened(tmp_path) as log:
        outbox = outbox_of(log, line)
        await outbox.put(records(0, 3))
        with full_disk(tmp_path):
            waiting = asyncio.create_task(outbox.put(records(3, 3)))
            done, _ = await asyncio.wait((waiting,), timeout=0.2)
            assert not done
        async with asyncio.timeout(20):
            await waiting
        async with publishing(outbox):
            pass
        assert line.records == records(0, 6)
        assert log.lost == []
        assert (outbox.published, outbox.rejected) == (6, 0)


async def test_a_disk_that_is_full_takes_nothing_half(tmp_path: Path) -> None:
    """The error is the caller's; what was kept before and what comes after it is whole."""
    async with opened(tmp_path) as log:
        await log.append(records(0, 5))
        kept = log.size_bytes
        with full_disk(tmp_path), pytest.raises(OSError):
            await log.append(records(5, 5, 30_000))
        assert log.size_bytes == kept
        await log.append(records(100, 1))
    async with opened(tmp_path) as log:
        assert (await log.read())[0] == [*records(0, 5), *records(100, 1)]


async def test_what_is_published_on_a_full_disk_is_published_once(tmp_path: Path) -> None:
    """Where it cannot be deleted it is passed over, and deleted with the next."""
    line = Line()
    async with opened(tmp_path) as log:
        outbox = outbox_of(log, line)
        await outbox.put(records(0, 3))
        with full_disk(tmp_path):
            async with publishing(outbox):
                pass
            await outbox.delete_published()
            assert line.records == records(0, 3)
        async with publishing(outbox):
            await outbox.put(records(3, 3))
        await outbox.delete_published()
    assert line.records == records(0, 6)
    async with opened(tmp_path) as log:
        assert log.is_empty


async def test_what_the_core_refuses_is_counted_and_does_not_stop_the_rest(tmp_path: Path) -> None:
    """The Core keeps it with its reason; here it is counted, and the rest continues."""
    line = Line()
    async with opened(tmp_path) as log:
        outbox = outbox_of(log, line)
        bad = records(0, 1)[0]._replace(value=b"{}")
        await outbox.put([bad, *records(1, 2)])
        async with publishing(outbox):
            pass
        assert (outbox.published, outbox.rejected) == (3, 1)
    assert len(line.events) == 2


async def test_who_cannot_wait_any_longer_is_told_of_the_loss(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A host that ends while its disk is full says what it could not keep."""
    async with opened(tmp_path) as log:
        outbox = outbox_of(log, Line())
        await outbox.put(records(0, 3))
        with full_disk(tmp_path):
            waiting = asyncio.create_task(outbox.put(records(3, 3)))
            await asyncio.wait((waiting,), timeout=0.05)
            waiting.cancel()
            await asyncio.wait((waiting,))
    (lost,) = [one for one in caplog.records if one.getMessage() == "events were lost"]
    assert getattr(lost, "context", {})["records"] == 3


async def test_a_put_that_fails_while_it_is_cancelled_leaves_no_trace(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its size is not counted, and what comes after it is published."""
    line = Line()
    async with opened(tmp_path, drops=False) as log:
        outbox = outbox_of(log, line)
        await outbox.put(records(0, 3))
        kept = log.size_bytes
        with full_disk(tmp_path):
            storing = asyncio.create_task(outbox.put(records(3, 3)))
            await asyncio.sleep(0)
            storing.cancel()
            await asyncio.wait((storing,))
            assert storing.cancelled()
        assert log.size_bytes == kept
        assert "events were lost" in caplog.text
        await outbox.put(records(6, 1))
        async with publishing(outbox):
            pass
        assert log.is_empty
    assert line.records == [*records(0, 3), *records(6, 1)]


async def test_a_cancelled_put_has_stored_its_records_once(tmp_path: Path) -> None:
    """Whenever it is cancelled: before its commit, during it, or after."""
    async with opened(tmp_path) as log:
        outbox = outbox_of(log, Line())
        for number in range(20):
            storing = asyncio.create_task(outbox.put(records(number, 1)))
            for _ in range(number % 5 + 1):
                await asyncio.sleep(0)
            storing.cancel()
            await asyncio.wait((storing,))
        found: list[Record] = (await log.read())[0]
        assert found == records(0, 20)


async def test_published_batches_are_deleted_when_nothing_more_comes(tmp_path: Path) -> None:
    """All of them together, though each was published as it came."""
    line = Line()
    async with opened(tmp_path) as log:
        outbox = Outbox("readings", log, Producer(line, "sat"), delete_after_s=0.05)
        async with publishing(outbox), asyncio.timeout(20):
            for number in range(5):
                await outbox.put(records(number, 1))
            while log.undeleted_batches or not log.is_empty:
                await asyncio.sleep(0.01)
            assert rows(tmp_path, "SELECT number FROM batch") == []
    assert line.records == records(0, 5)


async def test_published_batches_that_are_not_deleted_are_published_again(tmp_path: Path) -> None:
    """A killed host leaves them to the next, which cannot know; an orderly stop does not."""
    line = Line()
    async with opened(tmp_path) as log:
        outbox = Outbox("readings", log, Producer(line, "sat"), delete_after_s=60)
        async with publishing(outbox):
            await outbox.put(records(0, 3))
        assert log.is_empty
    async with opened(tmp_path) as log:
        assert (await log.read())[0] == line.records
        outbox = Outbox("readings", log, Producer(line, "sat"), delete_after_s=60)
        async with publishing(outbox):
            pass
        await outbox.delete_published()
    async with opened(tmp_path) as log:
        assert log.is_empty


async def test_what_is_acknowledged_soon_is_never_stored(tmp_path: Path) -> None:
    """`put` returns when the Core has it, and the disk is left alone."""
    line = Line()
    async with opened(tmp_path, drops=False) as log:
        outbox = Outbox("held", log, Producer(line, "sat"), delete_after_s=60)
        async with publishing(outbox):
            await asyncio.sleep(0)
            for number in range(5):
                await outbox.put(records(number, 1))
                assert line.records == records(0, number + 1)
            assert rows(tmp_path, "SELECT number FROM batch") == []
            assert log.is_empty
    async with opened(tmp_path, drops=False) as log:
        assert log.is_empty


async def test_what_is_not_acknowledged_soon_is_stored_and_published_once(tmp_path: Path) -> None:
    """With what came after it, in order; and the next host publishes what this one could not."""
    line = Line()
    async with opened(tmp_path, drops=False) as log:
        outbox = Outbox("held", log, Producer(line, "sat"), acknowledged_within_s=0.01)
        async with publishing(outbox):
            await asyncio.sleep(0)
            line.away = True
            await outbox.put(records(0, 2))
            await outbox.put(records(2, 1))
            assert len(rows(tmp_path, "SELECT number FROM batch")) == 2
            async with opened_copy(tmp_path) as next_log:
                assert (await next_log.read())[0] == records(0, 3)
            line.away = False
        await outbox.delete_published()
        assert rows(tmp_path, "SELECT number FROM batch") == []
        assert line.records == records(0, 3)


async def test_a_large_batch_is_stored_while_it_is_published(tmp_path: Path) -> None:
    """Its source has more, which need not wait for the Core."""
    line = Line()
    many = records(0, SMALL_BATCH_RECORDS + 1)
    async with opened(tmp_path, drops=False) as log:
        outbox = Outbox("held", log, Producer(line, "sat"), acknowledged_within_s=60)
        async with publishing(outbox):
            await asyncio.sleep(0)
            line.away = True
            await outbox.put(many)
            assert len(rows(tmp_path, "SELECT number FROM batch")) == 1
            line.away = False
        assert line.records == many


async def test_a_put_that_is_cancelled_before_its_acknowledgement_is_stored(tmp_path: Path) -> None:
    """Whether the Core got it or not, it is there."""
    line = Line()
    async with opened(tmp_path, drops=False) as log:
        outbox = Outbox("held", log, Producer(line, "sat"), acknowledged_within_s=60)
        async with publishing(outbox):
            await asyncio.sleep(0)
            line.away = True
            putting = asyncio.create_task(outbox.put(records(0, 2)))
            await asyncio.sleep(0.05)
            assert rows(tmp_path, "SELECT number FROM batch") == []
            putting.cancel()
            await asyncio.wait((putting,))
            assert putting.cancelled()
            assert len(rows(tmp_path, "SELECT number FROM batch")) == 1
            line.away = False
        assert line.records == records(0, 2)


async def test_a_full_disk_stops_nobody_while_the_core_acknowledges(tmp_path: Path) -> None:
    """Once it does not, devices wait until one of both has room."""
    line = Line()
    async with opened(tmp_path, drops=False) as log:
        await log.append(records(100, 1))  # So that the database's log exists.
        outbox = Outbox("held", log, Producer(line, "sat"), acknowledged_within_s=0.01)
        async with publishing(outbox):
            await outbox.wait_drained()
            with full_disk(tmp_path):
                await outbox.put(records(0, 2))
                line.away = True
                waiting = asyncio.create_task(outbox.put(records(2, 1)))
                done, _ = await asyncio.wait((waiting,), timeout=0.2)
                assert not done
                line.away = False
                async with asyncio.timeout(20):
                    await waiting
        assert line.records == [*records(100, 1), *records(0, 3)]


@pytest.mark.parametrize("seed", range(2))
async def test_each_source_gets_all_through_once_and_in_order(tmp_path: Path, seed: int) -> None:
    """Several at a time, over a line that goes away and comes back, with batches of all sizes."""
    line, drawn = Line(), random.Random(seed)
    async with opened(tmp_path, max_bytes=2**24, drops=False) as log:
        outbox = Outbox(
            *("held", log, Producer(line, "sat")), delete_after_s=0.01, acknowledged_within_s=0.003
        )

        async def source(first: int) -> None:
            number = first
            for _ in range(15):
                count = drawn.choice((1, 1, 2, SMALL_BATCH_RECORDS + 1))
                await outbox.put(records(number, count))
                number += count
                await asyncio.sleep(drawn.choice((0, 0.001, 0.004)))

        async with publishing(outbox):
            sources = [asyncio.create_task(source(100_000 * one)) for one in range(3)]
            while not all(one.done() for one in sources):
                line.away = drawn.random() < 0.4
                await asyncio.sleep(0.005)
            line.away = False
            await asyncio.gather(*sources)
        numbers = [json.loads(one.value)["payload"]["number"] for one in line.records]
        for first in (0, 100_000, 200_000):
            own = [one for one in numbers if first <= one < first + 100_000]
            assert own == list(range(first, first + len(own)))
        assert len(numbers) == outbox.published
        await outbox.delete_published()
        assert rows(tmp_path, "SELECT number FROM batch") == []
        assert log.is_empty
