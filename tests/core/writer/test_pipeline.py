"""The pipeline at work: nothing is shown or acknowledged before it is durable; stops are clean."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from bench.own import Premade
from nova.core.errors import ArchiveError
from nova.core.server import reader_process as reader_app
from nova.core.store.archive import Archive
from nova.core.store.durability_marker import MARKER_FILE, read_marker
from nova.core.store.write_batch import ArchiveBatch
from nova.core.writer import writer_process
from nova.core.writer.committer import Committer
from nova.sdk.client.client import Client
from nova.sdk.errors import TransportError
from nova.sdk.protocol.messages import Query
from nova.sdk.settings import MIB, Settings
from nova.sdk.transport.base import Receipt, Record, connect
from tests.core.running import Core, running_writer

Make = Callable[..., Record]
WAIT_S = 60.0


def settings_of(data: Path) -> Settings:
    """A Core that takes every scope over the local transport."""
    return Settings(data=str(data), mode="ground")


async def seen_by(client: Client) -> int:
    """How many events a reader shows."""
    return len([event async for event in client.query(Query(timebase="canonical"))])


async def test_nothing_is_shown_or_acknowledged_before_it_is_durable(
    core: Core, record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pitfalls row 3, AMB-18: written but not synced is neither."""
    archive = core.writer.committer.archive
    durable, entered, sync = threading.Event(), threading.Event(), archive.sync

    def slow_disk() -> None:
        entered.set()
        durable.wait(WAIT_S)
        sync()

    monkeypatch.setattr(archive, "sync", slow_disk)
    async with await Client.to_core(core.data) as client:
        publishing = asyncio.create_task(core.publish([record(1), record(2)]))
        try:
            await asyncio.to_thread(entered.wait, WAIT_S)
            for _ in range(20):
                assert await seen_by(client) == 0
            assert not publishing.done()
        finally:
            durable.set()
        assert (await publishing).new == 2
        assert len(await core.settled(client, 2)) == 2


async def test_a_disk_that_fails_ends_the_writer_without_an_acknowledgement(
    data: Path, record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pitfalls row 7: after a failed sync nothing is known to be durable, so nothing continues."""

    async with writer_process.open_writer(settings_of(data), ()) as (writer, transports):

        def broken() -> None:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(writer.committer.archive, "sync", broken)
        work = asyncio.create_task(writer.run(transports))
        publishing = asyncio.create_task(published(f"local://{data}", [record(1)]))
        with pytest.raises(ExceptionGroup, match="unhandled errors") as caught:
            async with asyncio.timeout(WAIT_S):
                await work
        assert caught.group_contains(OSError)
    with pytest.raises(TransportError):
        await publishing


@pytest.mark.parametrize("most", [2_000, 6_000])
async def test_commits_are_as_large_as_the_setting_allows(
    data: Path, record: Make, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """What waits while the disk is slow is committed together, in full commits."""
    settings = Settings(
        data=str(data), mode="ground", commit_max_events=most, commit_max_bytes=16 * MIB
    )
    batches = [[record(start + n) for n in range(500)] for start in range(0, 24_000, 500)]
    async with writer_process.open_writer(settings, ()) as (writer, _):
        sizes: list[int] = []
        write, durable = writer.committer.archive.write, threading.Event()
        sync = writer.committer.archive.sync

        def counted(batch: ArchiveBatch) -> None:
            sizes.append(writer.committer.counters.events)
            write(batch)

        def slow_disk() -> None:
            durable.wait(WAIT_S)
            sync()

        monkeypatch.setattr(writer.committer.archive, "write", counted)
        monkeypatch.setattr(writer.committer.archive, "sync", slow_disk)
        source = Premade(batches, lambda: 0)
        work = asyncio.create_task(writer.run([source]))
        async with asyncio.timeout(WAIT_S):
            while writer.committer.counters.events < 500 * 4:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)
            durable.set()
            await source.done.wait()
        work.cancel()
        await asyncio.wait((work,))
        added = [after - before for before, after in pairwise([0, *sizes])]
    assert sum(added) == 24_000 and max(added) == most


async def published(link: str, records: list[Record]) -> Receipt:
    """Publish once, as soon as somebody listens."""
    transport = connect(link)
    try:
        while True:
            try:
                return await transport.publish(records)
            except TransportError as error:
                if "nothing listens" not in str(error):
                    raise
                await asyncio.sleep(0.01)
    finally:
        await transport.close()


async def test_a_stop_leaves_a_witness_of_all_that_was_taken(data: Path, record: Make) -> None:
    """nova.md §5: after a clean stop the durability marker is exact, and the archive opens."""
    async with running_writer(settings_of(data)) as writer:
        core = Core(settings_of(data), writer)
        for start in range(0, 50, 10):
            await core.publish([record(n) for n in range(start, start + 10)])
    witness = read_marker(data)
    assert witness is not None and witness.events == 50
    archive = Archive.open_primary(data)
    try:
        assert Committer(archive, data).marker().events == 50
    finally:
        archive.close()


async def test_what_a_killed_writer_left_is_witnessed_at_once(data: Path, record: Make) -> None:
    """A kill comes up to a second after the last durability marker. Daily files, samples and
    checkpoints go by the durability marker, and no event need ever come again.
    """
    async with running_writer(settings_of(data)) as writer:
        await Core(settings_of(data), writer).publish([record(n) for n in range(10)])
    before = (data / MARKER_FILE).read_bytes()
    async with running_writer(settings_of(data)) as writer:
        await Core(settings_of(data), writer).publish([record(n) for n in range(10, 50)])
    after = read_marker(data)
    (data / MARKER_FILE).write_bytes(before)
    async with running_writer(settings_of(data)):
        found = read_marker(data)
    assert found is not None and after is not None
    assert (found.events, found.canonical_ns) == (after.events, after.canonical_ns)
    assert found.positions == after.positions != {}


async def test_a_stop_in_the_middle_of_the_work_harms_nothing(data: Path, record: Make) -> None:
    """A SIGTERM at any moment leaves an archive that opens, with all that was acknowledged."""
    acknowledged = 0
    for attempt in range(8):
        async with running_writer(settings_of(data)) as writer:
            core = Core(settings_of(data), writer)
            start = attempt * 1_000
            first = [record(n) for n in range(start, start + 20)]
            acknowledged += (await core.publish(first)).new
            busy = asyncio.create_task(
                core.publish([record(n) for n in range(start + 20, start + 600)])
            )
            for _ in range(attempt * 4):
                await asyncio.sleep(0)
        busy.cancel()
        await asyncio.wait((busy,))
        archive = Archive.open_primary(data)
        try:
            assert Committer(archive, data).counters.events >= acknowledged
        finally:
            archive.close()


async def test_a_second_writer_is_refused(core: Core) -> None:
    """A-002: one process writes, and the first one's sockets stay its own."""
    with pytest.raises(ArchiveError, match="held by another writer"):
        async with writer_process.open_writer(core.settings, ()):
            pass
    async with await Client.to_core(core.data) as client:
        assert (await client.status()).writer_connected


async def test_a_reader_and_its_streams_outlive_the_writer(data: Path, record: Make) -> None:
    """nova.md §6: while the writer is away the archive is served; a LIVE stream then continues."""
    settings = settings_of(data)
    async with running_writer(settings) as writer:
        core = Core(settings, writer)
        reading = reader_app.open_reader(settings)
        await reading.__aenter__()
        await core.publish([record(1)])
    try:
        async with await Client.to_core(data) as client:
            assert await seen_by(client) == 1
            seen: list[bytes] = []
            following = asyncio.create_task(follow(client, seen, 3))
            async with running_writer(settings) as writer:
                await Core(settings, writer).publish([record(2)])
                await Core(settings, writer).publish([record(3)])
                async with asyncio.timeout(WAIT_S):
                    await following
        assert [b'"n":%d' % n in event for n, event in enumerate(seen, 1)] == [True] * 3
    finally:
        await reading.__aexit__(None, None, None)


async def follow(client: Client, seen: list[bytes], count: int) -> None:
    """A LIVE stream from the beginning, until this many events have come."""
    start = "1970-01-01T00:00:00Z"
    async for chunk in client.stream("LIVE", start_time=start, timebase="canonical"):
        seen += [bytes(event) for event in chunk.events]
        if len(seen) >= count:
            return


async def test_one_archive_takes_from_several_links(data: Path, record: Make) -> None:
    """nova.md §7: redundant links become one truth, and each keeps its own counts."""
    links = (f"local://{data}/a.sock", f"local://{data}/b.sock")
    settings = Settings(data=str(data), mode="ground", transports=links)
    async with running_writer(settings) as writer:
        receipts = await asyncio.gather(
            *(published(link, [record(n) for n in range(30)]) for link in links)
        )
        counters = writer.committer.counters
        assert sum(receipt.new for receipt in receipts) == 30
        assert (counters.events, counters.duplicates) == (30, 30)
        assert {link: counters.links[link].received for link in links} == dict.fromkeys(links, 30)


async def test_the_last_commit_of_a_burst_is_witnessed_too(core: Core, record: Make) -> None:
    """What is durable is witnessed within a second or so, also when nothing comes behind it."""
    for number in range(5):
        await core.publish([record(number)])
    async with asyncio.timeout(WAIT_S):
        while (witness := read_marker(core.data)) is None or witness.events < 5:
            await asyncio.sleep(0.05)
    assert witness == core.writer.committer.marker()
