"""The watermark of a replay, with and without a writer or reader on the archive."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from nova.core.batch.replay_watermark import durable_watermark
from nova.core.store.archive import Archive
from nova.core.store.durability_marker import read_marker
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.settings import Settings
from nova.sdk.transport.base import Batch, Record
from tests.core.running import Core, running_writer

Make = Callable[..., Record]


def seen(data: Path, scratch: Path) -> int:
    """The mark as a shard finds it."""
    archive = Archive.open_secondary(data, scratch)
    try:
        return durable_watermark(data, archive)
    finally:
        archive.close()


def test_an_archive_at_rest_ends_where_it_ends(data: Path, tmp_path: Path, record: Make) -> None:
    """Without any process the last canonical time of the catalog is the mark."""
    with ExitStack() as stack:
        archive = Archive.open_primary(data)
        stack.callback(archive.close)
        committer = Committer(archive, data)
        committer.add_batch("link", Batch([record(number) for number in range(5)]))
        committer.close_commit()
        archive.sync()
        last_ns = committer.last_ns
    assert seen(data, tmp_path) == last_ns > 0


async def test_a_reader_is_asked(core: Core, tmp_path: Path, record: Make) -> None:
    """With a reader running its durable time is the mark."""
    await core.publish([record(number) for number in range(5)])
    async with await Client.to_core(core.data) as client:
        await core.settled(client, 5)
        durable_time = (await client.status()).durable_time
    assert durable_time is not None
    assert await asyncio.to_thread(seen, core.data, tmp_path) == timestamps.parse(durable_time)


async def test_a_writer_alone_vouches_by_its_witness(
    data: Path, tmp_path: Path, record: Make
) -> None:
    """What no reader has received counts as far as the writer's durability marker says."""
    settings = Settings(data=str(data), mode="ground")
    async with running_writer(settings) as writer:
        await Core(settings, writer).publish([record(number) for number in range(5)])
        mark = await asyncio.to_thread(seen, data, tmp_path)
        witness = read_marker(data)
        assert mark in (0, witness.canonical_ns if witness else 0)
        assert mark <= writer.committer.last_ns


def test_an_instance_that_cannot_be_seen_may_be_running(
    data: Path, tmp_path: Path, record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who may read the archive and not enter its folder of sockets reads nothing that may
    not be durable.
    """

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    with ExitStack() as stack:
        archive = Archive.open_primary(data)
        stack.callback(archive.close)
        committer = Committer(archive, data)
        committer.add_batch("link", Batch([record(number) for number in range(5)]))
        committer.close_commit()
        archive.sync()
    marker = read_marker(data)
    marked_ns = marker.canonical_ns if marker else 0
    assert seen(data, tmp_path / "before") > marked_ns
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert seen(data, tmp_path / "after") == marked_ns
