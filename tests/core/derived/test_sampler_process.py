"""The sampler as a process: killed, resumed, and without effect on other processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nova.core.derived import sampler_process
from nova.core.derived.sampler_limits import SamplerLimits
from nova.core.query import derived_writer
from nova.core.query.sample_query import SampleLimits
from nova.core.server.reader_limits import ReaderLimits
from nova.core.store.sample_store import SAMPLES_FOLDER
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.protocol.timeline import Sample, SampleResponse
from nova.sdk.settings import Settings
from tests.core.running import WAIT_S, Core, running_core
from tests.core.telling import START_NS, telling

SECOND_NS = 10**9
EVENTS = 60
SAMPLING = SamplerLimits(start_at_events=10)


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
    few = SampleLimits(direct_max_events=5, direct_coarse_max_events=5)
    settings = Settings(data=str(data), mode="ground")
    async with running_core(settings, limits=ReaderLimits(samples=few)) as core:
        yield core


async def test_a_reader_answers_from_what_the_sampler_has_written(core: Core) -> None:
    """Issue 5: behind before there is a sampler, whole soon after it has started, twice."""
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
