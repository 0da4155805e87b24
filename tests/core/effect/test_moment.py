"""The present moment of a whole Core whose clock is stepped, or whose producers' clocks differ."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from nova.core.effect import moment
from nova.core.effect.moment import Moment
from nova.core.ordering import TIMEBASES, Timebase
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.errors import ProtocolError
from nova.sdk.events.observation import Observer, record_of
from nova.sdk.protocol.messages import Discover, GetUiState, Latest
from nova.sdk.settings import Mode, Settings
from nova.sdk.transport.base import Record
from tests.core.commanding import HEATER, SCOPE, command
from tests.core.running import Core, running_core

HOUR_NS = 3_600 * 10**9
DAY_NS = 24 * HOUR_NS
Step = Callable[[int], None]


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> Step:
    """Set the Core's clock ahead, or back."""

    def by(offset_ns: int) -> None:
        monkeypatch.setattr(moment, "wall_clock", lambda: time.time_ns() + offset_ns)

    return by


def test_now_is_never_before_what_was_received(step: Step) -> None:
    """In canonical time; in source time it is the wall clock."""
    step(0)
    newest_ns = time.time_ns() + HOUR_NS
    assert moment.now("canonical", newest_ns) == Moment("canonical", newest_ns, newest_ns)
    source = moment.now("source", newest_ns)
    assert source.time_ns <= time.time_ns() and source.known_ns == newest_ns
    later = moment.now("canonical", 5)
    assert later.time_ns == later.known_ns > 5


def described(at_ns: int, *commands: str, effective_ns: int | None = None) -> Record:
    """A descriptor of the heater by a clock that says this time."""
    observation = Observer(SCOPE).observe(HEATER, at_ns)
    effective = None if effective_ns is None else timestamps.text(effective_ns)
    return record_of(observation.descriptor([f"command:{one}" for one in commands], "1", effective))


def shown(at_ns: int) -> Record:
    """An update of the heater by that clock."""
    update = Observer(SCOPE).observe(HEATER, at_ns).ui("heater", "heater", "1.0.0", {"on": True})
    return record_of(update)


@asynccontextmanager
async def instance(data: Path, mode: Mode) -> AsyncIterator[tuple[Core, Client]]:
    """A Core of either mode, and a client of it."""
    settings = Settings(data=str(data), mode=mode, scope=SCOPE)
    async with running_core(settings) as core, await Client.to_core(core.data) as client:
        yield core, client


async def capabilities(client: Client, timebase: Timebase | None = None) -> list[str] | None:
    """The heater's capabilities now, in the reply of `discover`."""
    found = await client.discover(Discover(timebase=timebase))
    for entity in found.entities:
        if entity.unique_id == HEATER.unique_id and entity.descriptor is not None:
            return [one.removeprefix("command:") for one in entity.descriptor.capabilities]
    return None


async def refusal(client: Client, command_type: str) -> str | None:
    """The code with which a command is refused now, None where it is taken."""
    try:
        await client.submit_command(command(command_type=command_type))
    except ProtocolError as error:
        return error.code
    return None


@pytest.mark.parametrize("mode", ["payload", "ground"])
async def test_tomorrows_descriptor_does_not_count_today(data: Path, mode: Mode) -> None:
    """Discovery and commanding say the same, and the one before still counts."""
    async with instance(data, mode) as (core, client):
        tomorrow_ns = time.time_ns() + DAY_NS
        await core.publish([described(time.time_ns(), "later", effective_ns=tomorrow_ns)])
        await core.settled(client, 1)
        assert await capabilities(client) is None
        assert await refusal(client, "later") == "noDescriptor"
        await core.publish([described(time.time_ns(), "today")])
        await core.settled(client, 2)
        assert await capabilities(client) == ["today"]
        assert await refusal(client, "later") == "unknownCommand"
        assert await refusal(client, "today") is None


@pytest.mark.parametrize("mode", ["payload", "ground"])
async def test_a_clock_an_hour_ahead_does_not_lock_commanding(data: Path, mode: Mode) -> None:
    """And the screen, which discovers, offers what may be commanded."""
    async with instance(data, mode) as (core, client):
        await core.publish([described(time.time_ns() + HOUR_NS, "go")])
        await core.settled(client, 1)
        assert await capabilities(client) == ["go"]
        assert await refusal(client, "go") is None


@pytest.mark.parametrize("timebase", TIMEBASES)
async def test_a_question_without_a_time_answers_for_now(data: Path, timebase: Timebase) -> None:
    """Not for the year 2262."""
    async with instance(data, "payload") as (core, client):
        ahead_ns = time.time_ns() + HOUR_NS
        await core.publish([shown(time.time_ns()), shown(ahead_ns)])
        await core.settled(client, 2)
        answers = (
            (await client.discover(Discover(timebase=timebase))).time,
            (await client.ui_state(GetUiState(timebase=timebase))).time,
            (await client.latest(Latest(timebase=timebase))).time,
        )
        assert max(map(timestamps.parse, answers)) <= time.time_ns()
        (state,) = (await client.ui_state(GetUiState(timebase=timebase))).states
        is_ahead = timestamps.parse(state.last_time) == ahead_ns
        assert not is_ahead


@pytest.mark.parametrize("mode", ["payload", "ground"])
async def test_the_present_stays_when_the_clock_is_set_back(
    data: Path, mode: Mode, step: Step
) -> None:
    """A day back, what was received still is there on ground, LIVE continues from it, and
    either mode commands as before.
    """
    async with instance(data, mode) as (core, client):
        before_ns = time.time_ns()
        await core.publish([described(before_ns, "go"), shown(before_ns + 1)])
        await core.settled(client, 2)
        step(-DAY_NS)
        assert await capabilities(client, "canonical") == ["go"]
        assert len((await client.ui_state(GetUiState(timebase="canonical"))).states) == 1
        assert len((await client.latest(Latest(timebase="canonical"))).events) == 2
        assert await refusal(client, "go") is None
        async for chunk in client.stream("LIVE", timebase="canonical"):
            assert timestamps.parse(chunk.cursor) >= before_ns
            break
