"""The sampler as a process: it is killed, goes on, and is in nobody's way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from nova.core.derived import sampler as sampling
from nova.core.derived import sampler_process
from nova.core.query import derived_writer
from nova.core.query import sample_query as reading
from nova.core.store.sample_store import SAMPLES_FOLDER
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.protocol.timeline import Sample, SampleResponse
from nova.sdk.transport.base import Record
from tests.core.running import WAIT_S, Core
from tests.core.telling import START_NS, telling

Make = Callable[..., Record]
SECOND_NS = 10**9
EVENTS = 60


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


async def test_a_reader_answers_from_what_the_sampler_has_written(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 5: behind before there is a sampler, whole soon after it has started, twice."""
    monkeypatch.setattr(sampling, "START_AT_EVENTS", 10)
    monkeypatch.setattr(reading, "DIRECT_MAX_EVENTS", 5)
    monkeypatch.setattr(reading, "DIRECT_COARSE_MAX_EVENTS", 5)
    await core.publish([telling(START_NS + n * SECOND_NS, {"n": n}) for n in range(EVENTS)])
    async with await Client.to_core(core.data) as client:
        await core.settled(client, EVENTS)
        assert (await asked(client)).behind
        for _ in range(2):
            async with (
                sampler_process.open_sampler(core.settings) as sampler,
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
