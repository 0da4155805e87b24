"""The embedded transport over real sockets: acknowledged after the commit, or known to be
unknown.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web

from nova.sdk.errors import TransportError
from nova.sdk.transport.base import Batch, Receipt, Record, Rejection, Subscription
from nova.sdk.transport.local import LocalTransport

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
    with pytest.raises(TransportError, match="closed the connection"):
        await waiting
    with pytest.raises(TransportError, match="nothing listens"):
        await publisher.publish([Record(None, b"z")])
    await publisher.close()


async def test_one_transport_is_consumed_once(url: str) -> None:
    """A second consumption beside the first is refused, and the first continues."""
    seen: list[Batch] = []
    publisher = LocalTransport(url)
    async with consumer(url, all_new, seen) as core:
        await publish(publisher, [Record(None, b"before")])
        with pytest.raises(TransportError, match="consumed already"):
            await anext(core.consume(Subscription(), {}))
        assert (await publisher.publish([Record(None, b"after")])).new == 1
    await publisher.close()


async def test_what_a_consumption_was_not_given_is_not_given_to_the_next(tmp_path: Path) -> None:
    """Its publisher has learnt that it is unknown, and will publish it again."""
    url = f"local://{tmp_path / 'x.sock'}"
    core = LocalTransport(url)
    batches = core.consume(Subscription(), {})
    taking = asyncio.ensure_future(anext(batches))
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(url[8:])) as session:
        async with asyncio.timeout(30):
            while not core.state().connected:
                await asyncio.sleep(0)
        peer = await session.ws_connect("http://localhost/")
        for frame in ([1, [[None, b"taken"]]], [2, [[None, b"queued"]]], []):
            await peer.send_bytes(msgspec.msgpack.encode(frame))
        await peer.receive()  # the answer to the last, which is none: the others are in
        assert [r.value for r in (await taking).records] == [b"taken"]
    assert isinstance(batches, AsyncGenerator)
    await batches.aclose()
    again = core.consume(Subscription(), {})
    taking = asyncio.ensure_future(anext(again))
    publisher = LocalTransport(url)
    publishing = asyncio.create_task(publish(publisher, [Record(None, b"next")]))
    batch = await taking
    assert [r.value for r in batch.records] == [b"next"]
    await core.acknowledge(batch, all_new(batch))
    await publishing
    await publisher.close()
    await core.close()


async def test_the_state_tells_who_refused(url: str) -> None:
    """A Core that cannot listen says why, a producer that finds nobody too."""
    publisher, second = LocalTransport(url), LocalTransport(url)
    with pytest.raises(TransportError):
        await publisher.publish(RECORDS)
    outage = publisher.state().last_outage
    assert outage is not None and "nothing listens" in outage.reason
    async with consumer(url, all_new, []):
        await publish(publisher, RECORDS)
        assert publisher.state().connected
        with pytest.raises(TransportError, match="cannot listen"):
            await anext(second.consume(Subscription(), {}))
    outage = second.state().last_outage
    assert outage is not None and "cannot listen" in outage.reason
    await second.close()
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


@pytest.mark.parametrize(
    "url",
    [
        "local://127.0.0.1:99999",
        "local://127.0.0.1:port",
        "local://[::1:80",
        "local://0.0.0.0:80",
        "local://",
        "local:",
    ],
)
def test_an_unreadable_url_is_said_in_words(url: str) -> None:
    """A-105…A-112: whatever was typed, the error is ours and shows it."""
    with pytest.raises(TransportError) as caught:
        LocalTransport(url)
    assert repr(url) in str(caught.value)


@pytest.mark.parametrize("name", ["a b", "a#b", "a?b", "100%", "%41", "ä"])
async def test_a_folder_of_any_name_is_met_under_its_own(name: str) -> None:
    """Every folder that can hold an archive can be published to."""
    with tempfile.TemporaryDirectory(prefix="nova-") as parent:
        data = Path(parent) / name
        data.mkdir()
        url = f"local://{data}"
        publisher = LocalTransport(url)
        async with consumer(url, all_new, []):
            assert (await publish(publisher, RECORDS)).new == len(RECORDS)
            assert [path.name for path in (data / "run").iterdir()] == ["publish.sock"]
        await publisher.close()


async def test_a_receipt_of_many_rejections_comes_back(url: str) -> None:
    """A-078: an answer may be larger than the question."""
    records = [Record(None, b"x")] * 20_000
    rejected = [Rejection(place, "malformed", "", "r" * 1_000) for place in range(len(records))]
    publisher = LocalTransport(url)
    async with consumer(url, lambda _: Receipt(0, 0, rejected), []):
        assert (await publish(publisher, records)).rejected == rejected
    await publisher.close()


async def test_a_web_page_may_not_publish() -> None:
    """Pitfalls row 28: any page in a browser on this machine can reach a loopback port."""
    url = f"local://127.0.0.1:{free_port()}"
    publisher = LocalTransport(url)
    async with consumer(url, all_new, []):
        await publish(publisher, RECORDS)
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(url.replace("local", "http"), origin="http://evil.test")
            assert refused.value.status == 403
    await publisher.close()


async def test_an_answer_that_is_none_leaves_nobody_waiting(tmp_path: Path) -> None:
    """What listens there need not be NOVA."""

    async def serve(request: web.Request) -> web.WebSocketResponse:
        peer = web.WebSocketResponse()
        await peer.prepare(request)
        async for _ in peer:
            await peer.send_bytes(b"\xc1garbage")
        return peer

    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    path = tmp_path / "x.sock"
    await web.UnixSite(runner, str(path)).start()
    publisher = LocalTransport(f"local://{path}")
    try:
        for _ in range(2):
            with pytest.raises(TransportError, match="closed the connection"):
                async with asyncio.timeout(20):
                    await publisher.publish(RECORDS)
    finally:
        await publisher.close()
        await runner.cleanup()
