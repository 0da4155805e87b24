"""A whole NOVA starts on an archive with every kind of accepted event."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from nova.core.store.archive import Archive
from nova.core.writer.columns import check_records
from nova.core.writer.committer import Committer
from nova.sdk.client.client import Client
from nova.sdk.events.checker import Checker
from nova.sdk.manifests import manifest_files
from nova.sdk.protocol.export import Export
from nova.sdk.protocol.messages import Discover, GetUiState
from nova.sdk.transport.base import Batch
from nova.testkit.running_nova import RunningNova, running_nova
from tests.core.writer.corpus import OWN_SCOPE, Corpus

EVENTS = 400
WAIT_S = 90.0
DRIVERS = "rawBinary,positionCsv,jsonl"


def fill(data: Path) -> int:
    """Accept as many events of every kind as an older NOVA would have; how many there are."""
    manifests = [file.manifest for file in manifest_files.load()]
    corpus = Corpus(7, manifests, time.time_ns())
    archive = Archive.open_primary(data)
    try:
        committer = Committer(archive, data)
        anything = Checker()
        while committer.counters.events < EVENTS:
            record = corpus.record()
            committer.add_batch("old", Batch([record]), check_records([record], anything))
        committer.close_commit()
        archive.sync()
        return committer.counters.events
    finally:
        archive.close()


async def served(nova: RunningNova, least: int) -> None:
    """Every process does its work on all of it."""
    state = nova.data / "files" / "state.json"
    async with await Client.to_core(nova.data) as client:
        status = await client.status()
        assert status.events >= least
        for timebase in ("source", "canonical"):
            await client.discover(Discover(timebase=timebase))
            await client.ui_state(GetUiState(timebase=timebase))
            assert (await client.export(Export(timebase=timebase))).events >= least
        async with asyncio.timeout(WAIT_S):
            while not state.exists():
                await asyncio.sleep(0.05)
        assert (await client.status()).file_failures == 0
    pids = [nova.child(name) for name in ("writer", "reader", "sampler", "files", "edge")]
    await asyncio.sleep(1.0)
    assert pids == [nova.child(name) for name in ("writer", "reader", "sampler", "files", "edge")]


def test_all_processes_start_on_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice, for what the first start writes is part of the archive too."""
    monkeypatch.setenv("NOVA_DRIVERS", DRIVERS)
    least = fill(tmp_path / "a")
    for _ in range(2):
        with running_nova(tmp_path / "a", "--scope", OWN_SCOPE) as nova:
            asyncio.run(served(nova, least))
