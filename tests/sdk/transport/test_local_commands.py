"""Commands over the local transport: who may listen, and one that does not read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from sdk import address
from sdk.transport import local_commands
from sdk.transport.base import Receipt, Record, Subscription
from sdk.transport.local import LocalTransport
from tests.core.commanding import WAIT_S, listening

SCOPE = "sat"


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A data folder of its own."""
    return f"local://{tmp_path}"


@asynccontextmanager
async def core(url: str, seen: list[Record]) -> AsyncIterator[LocalTransport]:
    """A Core that takes what is published."""
    transport = LocalTransport(url)

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


async def test_a_listener_that_does_not_read_holds_nobody_back(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pitfalls §1.8: it is sent away, and the others have all."""
    monkeypatch.setattr(local_commands, "SEND_TIMEOUT_S", 0.2)
    connector = aiohttp.UnixConnector(str(tmp_path / "run" / "publish.sock"))
    device = LocalTransport(url)
    async with (
        core(url, []) as transport,
        aiohttp.ClientSession(connector=connector) as session,
        session.ws_connect(f"http://localhost{local_commands.PATH}?scope={SCOPE}") as stuck,
        listening(device, SCOPE) as ears,
    ):
        way = stuck.get_extra_info("socket")
        assert way is not None  # Nobody receives from it, so what it can hold is soon full.
        for number in range(40):
            value = f'{{"requestId":"r{number}"}}'.encode().ljust(128 * 1024)
            record = Record(address.dispatch(SCOPE, f"r{number}"), value)
            async with asyncio.timeout(WAIT_S):
                await transport.publish([record])
        await ears.until("r39")
        assert len(ears.heard) == 40
    await device.close()
