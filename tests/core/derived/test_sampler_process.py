"""The sampler as a process: killed, resumed, and without effect on other processes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nova.core.derived import sampler_process
from nova.core.derived.sampler_limits import SamplerLimits
from nova.core.query import derived_writer
from nova.core.query.sample_query import SampleLimits
from nova.core.server.reader_limits import ReaderLimits
from nova.core.store.archive import Archive
from nova.core.store.archive_identity import ensure_id
from nova.core.store.column_tree import BlockSizes
from nova.core.store.sample_store import SAMPLES_FOLDER, SampleStore
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.protocol.timeline import Sample, SampleResponse
from nova.sdk.settings import Settings
from tests.core.running import WAIT_S, Core, running_core
from tests.core.telling import START_NS, telling

SECOND_NS = 10**9
EVENTS = 60
SAMPLING = SamplerLimits(BlockSizes(unit_events=10))


async def asked(client: Client) -> SampleResponse:
    """What a minute of the series is."""
    return await client.sample(
        Sample(
            start_time=timestamps.text(START_NS),
            stop_time=timestamps.text(START_NS + EVENTS * SECOND_NS),
            buckets=8,
            timebase="source",
            scope_id="sat",
            system_id="bus",
            container_id="eps",
            unique_id="u",
            lane="parsed",
            message_type="Numbers",
            fields=["n"],
        )
    )


@pytest.fixture
async def core(data: Path) -> AsyncIterator[Core]:
    """A running Core whose reader reads few events itself."""
    few = SampleLimits(direct_max_events=5, tail_max_events=5)
    settings = Settings(data=str(data), mode="ground")
    async with running_core(settings, limits=ReaderLimits(samples=few)) as core:
        yield core


async def test_a_reader_answers_from_what_the_sampler_has_written(core: Core) -> None:
    """Behind before there is a sampler, whole soon after it has started, twice."""
    await core.publish([telling(START_NS + n * SECOND_NS, {"n": n}) for n in range(EVENTS)])
    async with await Client.to_core(core.data) as client:
        await core.settled(client, EVENTS)
        assert (await asked(client)).behind
        for _ in range(2):
            async with (
                sampler_process.open_sampler(core.settings, SAMPLING) as sampler,
                asyncio.timeout(WAIT_S),
            ):
                following = asyncio.create_task(
                    derived_writer.follow(core.data, SAMPLES_FOLDER, sampler.sample)
                )
                while (answer := await asked(client)).behind:
                    await asyncio.sleep(0.02)
                following.cancel()
            assert sum(answer.fields[0].count) == EVENTS
            assert (
                answer.fields[0].min[0] == 0
                and max(value for value in answer.fields[0].max if value is not None) == EVENTS - 1
            )


def archive_at(folder: Path) -> None:
    """An archive that its writer has left in order."""
    archive = Archive.open_primary(folder)
    ensure_id(archive, folder)
    Committer(archive, folder).close_commit()
    archive.close()


def test_a_sampler_leaves_what_another_archive_has(data: Path) -> None:
    """The archive is exchanged under it: it ends, and the other one's samples are as they were.
    RocksDB removed files there when it was closed.
    """
    here, other = data / "here", data / "other"
    archive_at(here)
    archive_at(other)
    store = SampleStore.open_primary(other)
    store.write([(b"kept", b"of the other")])
    store.close()
    before = {path.name: path.read_bytes() for path in (other / SAMPLES_FOLDER).iterdir()}
    command = (sys.executable, "-m", "nova.cli", "core", "sampler", "--data", str(here))
    environment = {**os.environ, "NOVA_MODE": "ground"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as sampler:
        try:
            assert sampler.stdout is not None and b"ready" in sampler.stdout.readline()
            here.rename(data / "away")
            other.rename(here)
            assert sampler.wait(WAIT_S) == 1
        finally:
            sampler.kill()
    after = {path.name: path.read_bytes() for path in (here / SAMPLES_FOLDER).iterdir()}
    assert after == before
