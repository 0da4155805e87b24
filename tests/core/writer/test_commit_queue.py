"""The commit queue: entries are written alone and in order, and complete when they are durable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from nova.core.store.archive import Archive
from nova.core.writer.commit_limits import CommitLimits
from nova.core.writer.commit_queue import CommitQueue, complete
from nova.core.writer.committer import Committer
from nova.sdk.events.event import check
from tests.core.commanding import descriptor

T = TypeVar("T")


async def entered(entries: CommitQueue, *writes: Callable[[Committer], T]) -> list[asyncio.Task[T]]:
    """Tasks that wait for what they have entered."""
    tasks = [asyncio.create_task(entries.submit(write)) for write in writes]
    await asyncio.sleep(0)
    return tasks


async def test_an_entry_is_told_when_it_is_durable_and_not_before(committer: Committer) -> None:
    """Pitfalls §1.5: written is not enough."""
    calls: list[str] = []
    entries = CommitQueue(lambda: calls.append("commit"))
    tasks = await entered(entries, lambda _: 1, lambda _: 2)
    assert calls == ["commit"]
    written, closed = entries.run(committer)
    await asyncio.sleep(0)
    assert closed == []
    assert not any(task.done() for task in tasks)
    complete(written)
    assert await asyncio.gather(*tasks) == [1, 2]


async def test_of_two_that_want_the_same_one_finds_it_free(committer: Committer) -> None:
    """Each reads and writes in one step, also within one commit."""

    def take(committer: Committer) -> bool:
        event = check(record.value)
        return committer.record(event) is not None

    record = descriptor()
    entries = CommitQueue(lambda: None)
    tasks = await entered(entries, take, take)
    written, _ = entries.run(committer)
    committer.close_commit()
    complete(written)
    assert await asyncio.gather(*tasks) == [True, False]


async def test_a_write_that_nobody_waits_for_shares_the_commit_of_the_next(
    committer: Committer,
) -> None:
    """A commit of its own would have to be synced before that of the next one."""
    calls: list[str] = []
    entries = CommitQueue(lambda: calls.append("commit"), later_s=60)
    entries.submit_later(lambda _: 1)
    assert calls == []
    (task,) = await entered(entries, lambda _: 2)
    assert calls == ["commit"]
    written, _ = entries.run(committer)
    assert len(written) == 2
    complete(written)
    assert await task == 2


async def test_a_write_that_nobody_waits_for_is_written_soon(committer: Committer) -> None:
    """Also if no other follows; each time anew."""
    woken = asyncio.Event()
    entries = CommitQueue(woken.set, later_s=0)
    for _ in range(2):
        entries.submit_later(lambda _: 1)
        await woken.wait()
        assert len(entries.run(committer)[0]) == 1
        woken.clear()


async def test_a_queue_that_is_drained_has_nothing_left(committer: Committer) -> None:
    """When the writer stops, also what would have been written later is durable."""
    entries = CommitQueue(lambda: None, later_s=60)
    entries.submit_later(lambda _: 1)
    drained = asyncio.create_task(entries.drain())
    await asyncio.sleep(0)
    written, _ = entries.run(committer)
    assert not drained.done()
    complete(written)
    await drained
    assert entries.run(committer)[0] == []


async def test_who_has_gone_away_disturbs_nobody(committer: Committer) -> None:
    """An entry is written whether or not somebody still waits for it."""
    entries = CommitQueue(lambda: None)
    seen: list[int] = []
    (gone,) = await entered(entries, lambda _: seen.append(1))
    gone.cancel()
    (stays,) = await entered(entries, lambda _: 2)
    written, _ = entries.run(committer)
    complete(written)
    assert await stays == 2
    assert seen == [1]


async def test_an_entry_that_breaks_is_not_hidden(committer: Committer) -> None:
    """What the open commit holds is not known then, so the writer has to end."""
    entries = CommitQueue(lambda: None)

    def broken(_: Committer) -> None:
        raise RuntimeError("half written")

    (task,) = await entered(entries, broken)
    with pytest.raises(RuntimeError, match="half written"):
        entries.run(committer)
    task.cancel()


async def test_what_is_durable_is_not_waited_for(committer: Committer) -> None:
    """Only what is newer than the last sync costs another one."""
    calls: list[str] = []
    entries = CommitQueue(lambda: calls.append("commit"))
    entries.watermark_ns = 10
    await entries.wait_durable(10)
    assert calls == []
    waiting = asyncio.create_task(entries.wait_durable(11))
    await asyncio.sleep(0)
    assert calls == ["commit"] and not waiting.done()
    complete(entries.run(committer)[0])
    await waiting


async def test_what_large_entries_close_is_handed_on(archive: Archive, tmp_path: Path) -> None:
    """A commit that is full is closed on the way and announced with the others."""
    committer = Committer(archive, tmp_path, limits=CommitLimits(commit_max_bytes=64 * 1024))
    entries = CommitQueue(lambda: None)
    names = [f"command-{number}-{'x' * 40_000}" for number in range(3)]
    events = [check(descriptor(name).value) for name in names]
    await entered(entries, *(lambda c, event=event: c.record(event) for event in events))
    _, closed = entries.run(committer)
    closed.append(committer.close_commit())
    assert len(closed) > 1
    assert sum(len(one.events or ()) for one in closed) == 3
