"""Commands over the local transport: who may listen, and one that does not read."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from nova.sdk import address
from nova.sdk.errors import NotSentError, TransportError
from nova.sdk.transport import local_commands
from nova.sdk.transport.base import Receipt, Record, Subscription
from nova.sdk.transport.local import LocalLimits, LocalTransport
from nova.sdk.transport.local_listeners import DispatchLimits
from tests.core.commanding import WAIT_S, listening

SCOPE = "sat"


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A data folder of its own."""
    return f"local://{tmp_path}"


@asynccontextmanager
async def core(
    url: str, seen: list[Record], limits: DispatchLimits | None = None
) -> AsyncIterator[LocalTransport]:
    """A Core that takes what is published."""
    transport = LocalTransport(url, LocalLimits(dispatch=limits or DispatchLimits()))

    async def consume() -> None:
        async for batch in transport.consume(Subscription(), {}):
            seen.extend(batch.records)
            await transport.acknowledge(batch, Receipt(new=len(batch.records)))

    work = asyncio.create_task(consume())
    async with asyncio.timeout(WAIT_S):
        while not transport.state().connected:
            await asyncio.sleep(0)
    try:
        yield transport
    finally:
        await transport.close()
        await work


def command(name: str, size_bytes: int = 10) -> Record:
    """A command on its way."""
    return Record(address.dispatch(SCOPE, name), name.encode().ljust(size_bytes))


@pytest.mark.parametrize("query", ["", "?scope=", "?scope=a.b", "?scope=" + "x" * 65])
async def test_who_listens_names_one_scope(url: str, tmp_path: Path, query: str) -> None:
    """There is no listening to everything."""
    connector = aiohttp.UnixConnector(str(tmp_path / "run" / "publish.sock"))
    async with core(url, []), aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(f"http://localhost{local_commands.PATH}{query}")
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(
                f"http://localhost{local_commands.PATH}?scope={SCOPE}", origin="http://evil"
            )


async def test_a_command_that_somebody_publishes_goes_to_the_core_alone(url: str) -> None:
    """AMB-20: only what the Core sends is dispatched."""
    seen: list[Record] = []
    other = LocalTransport(url)
    async with core(url, seen) as transport, listening(other, SCOPE) as ears:
        await other.publish([command("theirs")])
        assert [record.value for record in seen] == [command("theirs").value]
        last = Record(address.dispatch(SCOPE, "ours"), b'{"requestId":"ours"}')
        receipt = await transport.publish([last])
        assert receipt.new == 1
        await ears.until("ours")
        assert ears.requests() == ["ours"]
        assert len(seen) == 1
    await other.close()


@asynccontextmanager
async def deaf_listener(tmp_path: Path) -> AsyncIterator[None]:
    """Somebody who listens and reads nothing."""
    connector = aiohttp.UnixConnector(str(tmp_path / "run" / "publish.sock"))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.ws_connect(f"http://localhost{local_commands.PATH}?scope={SCOPE}") as socket,
    ):
        assert await socket.receive_bytes() == b""  # It is heard; what it can hold is soon full.
        yield


async def test_a_listener_that_does_not_read_holds_nobody_back(url: str, tmp_path: Path) -> None:
    """Pitfalls §1.8: the others take all while it takes nothing, and nothing waits for it."""
    never = DispatchLimits(acknowledge_s=3_600.0)
    device = LocalTransport(url)
    async with (
        core(url, [], never) as transport,
        deaf_listener(tmp_path),
        listening(device, SCOPE) as ears,
    ):
        for number in range(40):
            value = f'{{"requestId":"r{number}"}}'.encode().ljust(128 * 1024)
            record = Record(address.dispatch(SCOPE, f"r{number}"), value)
            async with asyncio.timeout(WAIT_S):
                await transport.publish([record])
        await ears.until("r39")
        assert ears.requests() == [f"r{number}" for number in range(40)]
        assert transport.state().warnings == ()
    await device.close()


async def test_a_listener_that_takes_too_few_is_disconnected_and_named(
    url: str, tmp_path: Path
) -> None:
    """What lies for it is bounded, and the link says whom it sent away."""
    device = LocalTransport(url)
    limits = DispatchLimits(acknowledge_s=3_600.0, unacknowledged_max=5)
    async with (
        core(url, [], limits) as transport,
        deaf_listener(tmp_path),
        listening(device, SCOPE) as ears,
    ):
        for number in range(6):
            assert transport.state().warnings == ()
            await transport.publish([command_of(number)])
        [warning] = transport.state().warnings
        assert f"process {os.getpid()} has not acknowledged any of 5 commands" in warning
        await ears.until("r5")
    await device.close()


def command_of(number: int) -> Record:
    """A command that ears can read."""
    return Record(address.dispatch(SCOPE, f"r{number}"), f'{{"requestId":"r{number}"}}'.encode())


async def test_a_command_that_nobody_takes_in_time_may_have_been_sent(
    url: str, tmp_path: Path
) -> None:
    """It lies in a socket: that is neither sent nor not sent."""
    async with (
        core(url, [], DispatchLimits(acknowledge_s=0.1)) as transport,
        deaf_listener(tmp_path),
    ):
        with pytest.raises(
            TransportError, match=r"did not acknowledge the command within 0\.1 s"
        ) as told:
            await transport.publish([command("c")])
        assert not isinstance(told.value, NotSentError)


async def test_a_command_to_nobody_is_certainly_not_sent(url: str) -> None:
    """Before, it was answered as sent: whoever listens later has not heard it."""
    device = LocalTransport(url)
    async with core(url, [], DispatchLimits(reconnect_s=0.01)) as transport:
        with pytest.raises(NotSentError, match=f"no command listener for {SCOPE} on local:"):
            await transport.publish([command_of(1)])
        async with listening(device, SCOPE) as ears:
            await transport.publish([command_of(2)])
            assert ears.requests() == ["r2"]
        with pytest.raises(NotSentError):
            await until_nobody(transport)
    await device.close()


async def until_nobody(transport: LocalTransport) -> None:
    """Dispatch until it is known that who listened has left."""
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                await transport.publish([command_of(3)])
            except NotSentError:
                raise
            except TransportError:
                continue


async def test_a_host_that_connects_again_gets_what_waited_for_it(url: str) -> None:
    """A moment without listeners is none in which commands fail."""
    device = LocalTransport(url)
    async with core(url, [], DispatchLimits(reconnect_s=WAIT_S)) as transport:
        dispatch = asyncio.create_task(transport.publish([command_of(1)]))
        await asyncio.sleep(0)
        async with listening(device, SCOPE) as ears:
            await dispatch
            assert ears.requests() == ["r1"]
    await device.close()


async def test_commands_taken_one_by_one_are_confirmed_one_by_one(url: str) -> None:
    """A command counts as taken when the next is asked for: until then its end is unknown."""
    device = LocalTransport(url)
    async with core(url, [], DispatchLimits(acknowledge_s=WAIT_S)) as transport:
        ready = asyncio.Event()
        commands = device.commands(SCOPE, ready)
        first = asyncio.ensure_future(anext(commands))
        await ready.wait()
        dispatch = asyncio.create_task(transport.publish([command_of(1)]))
        assert (await first).value == command_of(1).value
        done, _ = await asyncio.wait((dispatch,), timeout=0.1)
        assert not done
        second = asyncio.ensure_future(anext(commands))
        await dispatch
        dispatch = asyncio.create_task(transport.publish([command_of(2)]))
        await second
        await device.close()
        with pytest.raises(TransportError, match="disconnected before they acknowledged"):
            await dispatch
