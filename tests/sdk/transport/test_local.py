"""The embedded transport over real sockets: acknowledged after the commit, or known to be
unknown.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from sdk.errors import TransportError
from sdk.transport.base import Batch, Receipt, Record, Rejection, Subscription
from sdk.transport.local import LocalTransport

RECORDS = [Record("nova.sat.raw.a.b.c.v1", b"one"), Record(None, b""), Record(None, b"\xff" * 3)]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(params=["unix", "tcp"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where to meet: a socket in a folder, or a loopback port."""
    return f"local://{tmp_path}" if request.param == "unix" else f"local://127.0.0.1:{free_port()}"


Answer = Callable[[Batch], Receipt]


@asynccontextmanager
async def consumer(url: str, answer: Answer, seen: list[Batch]) -> AsyncIterator[LocalTransport]:
    """A Core's side: takes batches and acknowledges each."""
    transport = LocalTransport(url)

    async def take() -> None:
        async for batch in transport.consume(Subscription(), {}):
            seen.append(batch)
            await transport.acknowledge(batch, answer(batch))

    taking = asyncio.create_task(take())
    try:
        yield transport
    finally:
        taking.cancel()
        await asyncio.wait((taking,))
        await transport.close()


def all_new(batch: Batch) -> Receipt:
    """Everything was news."""
    return Receipt(new=len(batch.records))


async def publish(transport: LocalTransport, records: list[Record]) -> Receipt:
    """Publish as soon as somebody listens."""
    while True:
        try:
            return await transport.publish(records)
        except TransportError:
            await asyncio.sleep(0.01)


async def test_records_arrive_whole_and_the_receipt_comes_back(url: str) -> None:
    """What was sent is what arrives, and the answer is the Core's."""
    seen: list[Batch] = []
    receipt = Receipt(1, 1, [Rejection(1, "malformed", "", "the record is empty")])
    publisher = LocalTransport(url)
    async with consumer(url, lambda _: receipt, seen):
        assert await publish(publisher, RECORDS) == receipt
    await publisher.close()
    assert [tuple(record[:2]) for record in seen[0].records] == [record[:2] for record in RECORDS]


async def test_many_publishes_may_be_under_way(url: str) -> None:
    """Answers find their question, and order is kept."""
    seen: list[Batch] = []
    publisher = LocalTransport(url)
    async with consumer(url, all_new, seen):
        await publish(publisher, [Record(None, b"first")])
        parts = [[Record(None, b"%d" % n)] * (n % 5 + 1) for n in range(200)]
        receipts = await asyncio.gather(*(publisher.publish(part) for part in parts))
    await publisher.close()
    assert [receipt.new for receipt in receipts] == [n % 5 + 1 for n in range(200)]
    assert [batch.records[0].value for batch in seen[1:]] == [b"%d" % n for n in range(200)]


async def test_a_consumer_that_goes_leaves_nobody_waiting(url: str) -> None:
    """Unknown is an error that can be retried, never a hang."""
    publisher = LocalTransport(url)
    arrived = asyncio.Event()

    async def take(core: LocalTransport) -> None:
        """A Core that takes the first batch and dies before it has committed the second."""
        batches = core.consume(Subscription(), {})
        await core.acknowledge(await anext(batches), Receipt(new=1))
        await anext(batches)
        arrived.set()

    core = LocalTransport(url)
    taking = asyncio.create_task(take(core))
    await publish(publisher, [Record(None, b"x")])
    waiting = asyncio.create_task(publisher.publish([Record(None, b"y")]))
    await arrived.wait()
    await taking
    await core.close()
    with pytest.raises(TransportError, match="went away"):
        await waiting
    with pytest.raises(TransportError, match="nobody listens"):
        await publisher.publish([Record(None, b"z")])
    await publisher.close()


async def test_garbage_is_answered_and_survived(tmp_path: Path) -> None:
    """Pitfalls row 29: a hostile peer costs nobody else anything."""
    url = f"local://{tmp_path / 'x.sock'}"
    seen: list[Batch] = []
    publisher = LocalTransport(url)
    async with consumer(url, all_new, seen):
        await publish(publisher, [Record(None, b"before")])
        connector = aiohttp.UnixConnector(str(tmp_path / "x.sock"))
        async with aiohttp.ClientSession(connector=connector) as session:
            peer = await session.ws_connect("http://localhost/")
            for frame in (b"", b"\xc1", b"\x93\x01", b"\x92\xff\x90" * 50):
                await peer.send_bytes(frame)
                assert (await peer.receive()).type is aiohttp.WSMsgType.BINARY
            await peer.send_str("text")
            assert (await peer.receive()).type is aiohttp.WSMsgType.BINARY
            await peer.close()
        assert (await publisher.publish([Record(None, b"after")])).new == 1
    await publisher.close()
    assert [batch.records[0].value for batch in seen] == [b"before", b"after"]


@pytest.mark.parametrize(
    "url", ["local://10.0.0.1:9", "local://example.org:80", "local://127.0.0.1", "local:relative"]
)
def test_it_never_reaches_off_this_machine(url: str) -> None:
    """The local transport has no login, so it is loopback or a file."""
    with pytest.raises(TransportError):
        LocalTransport(url)
