"""Live derivation beside a real writer: isolation of what fails, and what is said of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nova.core.derivation.derive_process import LiveDerivations, open_derivations
from nova.core.derivation.followed_definitions import FollowedDefinitions
from nova.core.derivation.formula_process import EvaluationLimits
from nova.core.derivation.live_definition import RetryPauses
from nova.core.derivation.live_metrics import live_metrics
from nova.core.query.tail_feed import follow_feed
from nova.sdk import endpoints
from nova.sdk.client.client import Client
from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.settings import Settings
from tests.core.derivation.deriving import (
    OUTPUT,
    Sent,
    definition_of,
    expected,
    random_events,
    write_definition,
)
from tests.core.derivation.functions import install_functions
from tests.core.running import Core, running_core

LIMITS = EvaluationLimits(time_s=1.5, memory_mib=512)
PAUSES = RetryPauses(0.2, 0.5)
WAIT_S = 90.0


def output(name: str, **members: Any) -> dict[str, Any]:
    address = f"nova.sat.parsed.derived.battery.{name}.v1"
    return {**OUTPUT, "address": address, "card": False, **members}


@asynccontextmanager
async def deriving(core: Core) -> AsyncIterator[LiveDerivations]:
    """The live definitions of a running instance."""
    definitions = FollowedDefinitions(Path(core.settings.definitions or "")).definitions
    async with open_derivations(core.settings, definitions, LIMITS, PAUSES) as live:
        work = [
            asyncio.create_task(live.run()),
            asyncio.create_task(
                follow_feed(endpoints.writer_socket(core.data), live.snapshot, live.tail)
            ),
        ]
        try:
            yield live
            assert not any(one.done() for one in work)
        finally:
            for one in work:
                one.cancel()
            await asyncio.wait(work)


async def values_of(client: Client, name: str) -> list[tuple[int, object]]:
    """The outputs of a definition in the archive: source time and value."""
    found: list[tuple[int, object]] = []
    query = Query(timebase="source", filters=Filters(message_types=["Power"], unique_id=name))
    async for stored in client.query(query):
        event = msgspec.json.decode(stored)
        found.append((event["sourceTruthTime"], event["payload"]["watts"]))
    return found


async def states_of(client: Client, name: str) -> list[dict[str, Any]]:
    """What was said of a definition."""
    query = Query(
        timebase="canonical",
        filters=Filters(message_types=["DerivationState"], unique_id=name),
    )
    return [msgspec.json.decode(stored)["payload"] async for stored in client.query(query)]


async def said_of(client: Client, name: str) -> dict[str, Any]:
    """The one thing that is said of a definition, once it is."""
    async with asyncio.timeout(WAIT_S):
        while not (found := await states_of(client, name)):
            await asyncio.sleep(0.05)
    (state,) = found
    return state


async def until_caught_up(live: LiveDerivations, *names: str) -> None:
    """Until definitions have derived all that is durable now."""
    async with asyncio.timeout(WAIT_S):
        watermark = live.snapshot.watermark
        while any(one.position_ns < watermark for one in live.live if one.definition.id in names):
            await asyncio.sleep(0.02)


async def test_a_definition_that_fails_stops_nobody(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One hangs, one crashes, one takes all memory, one fails for some rows, two are right."""
    install_functions(tmp_path / "site", monkeypatch)
    folder = tmp_path / "definitions"
    folder.mkdir()
    for name in ("hang", "crash", "grow", "short", "guarded"):
        write_definition(
            folder,
            definition_of(id=name, function=name, vectorised=True, output=output(name)),
        )
    right = definition_of(id="right", output=output("right"))
    named = definition_of(
        id="named", function="named", output=output("named", kind="text"), triggers=["volts"]
    )
    write_definition(folder, right)
    write_definition(folder, named)
    settings = Settings(data=str(data), mode="ground", definitions=str(folder))
    sent = random_events(3, 120, late=0.2)
    async with running_core(settings) as core, deriving(core) as live:
        assert [one.definition.id for one in live.live] == sorted(
            ("hang", "crash", "grow", "short", "guarded", "right", "named")
        )
        await core.publish([one.record() for one in sent])
        async with asyncio.timeout(WAIT_S):
            while live.snapshot.watermark < core.writer.committer.last_ns:
                await asyncio.sleep(0.02)
        await until_caught_up(live, "right", "named", "short", "guarded")
        async with asyncio.timeout(WAIT_S):
            stopped = [one for one in live.live if one.definition.id in ("hang", "crash", "grow")]
            while any(one.health.state != "stopped" for one in stopped):
                await asyncio.sleep(0.02)
        await check_outputs(core, live, sent)


async def check_outputs(core: Core, live: LiveDerivations, sent: list[Sent]) -> None:
    right = expected(definition_of(), sent)
    async with await Client.to_core(core.data) as client:
        assert len(await values_of(client, "right")) == len(right)
        assert {value for _, value in await values_of(client, "named")} <= {
            f"{one.value:g} V" for one in sent
        }
        guarded = await values_of(client, "guarded")
        assert 0 < len(guarded) < len(right)
        assert await values_of(client, "short") == []
        for name, words in (
            ("hang", "longer than 1.5 s"),
            ("crash", "exited with status 7"),
            ("grow", "more than 512 MiB"),
        ):
            assert await values_of(client, name) == []
            state = await said_of(client, name)
            assert state["state"] == "stopped" and words in state["reason"], state
        for name, words in (("short", "shape"), ("guarded", "a negative voltage")):
            state = await said_of(client, name)
            assert state["state"] == "failing" and words in state["reason"], state
        assert await states_of(client, "right") == []
    metrics = {metric.name: metric.samples for metric in live_metrics(live)}
    up = {one.labels["definition"]: one.value for one in metrics["nova_derivation_up"]}
    assert [name for name, value in up.items() if not value] == [
        "crash@1.0.0",
        "grow@1.0.0",
        "hang@1.0.0",
    ]
