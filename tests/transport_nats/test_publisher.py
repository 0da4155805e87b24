"""Publishing to a real server: acknowledged records are stored, others are reported."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

import pytest
from nats.js import JetStreamContext, JetStreamManager

from nova.sdk.errors import TransportError
from nova.sdk.transport.base import Receipt, Record
from nova.testkit.nats_process import PAYLOAD_MAX, NatsProcess
from nova.testkit.nats_server import NatsServer
from nova.testkit.record_reader import read_records
from nova.transport_nats.publisher import WINDOW_RECORDS, PublishLimits
from nova.transport_nats.transport import NatsTransport
from tests.transport_nats.consuming import entity, numbered, numbers, until

pytestmark = pytest.mark.nats

MakeTransport = Callable[..., NatsTransport]


async def test_nothing_is_published_without_a_server(make_transport: MakeTransport) -> None:
    """An empty publish is done at once, it needs nobody."""
    assert await make_transport("nats://127.0.0.1:1").publish([]) == Receipt()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [(None, "record 1 .* no address"), ("nova.s.lane.v1", "record 1 .* lane 'lane'")],
)
async def test_a_record_without_an_address_is_named_and_nothing_is_sent(
    make_transport: MakeTransport, wrong: str | None, told: str
) -> None:
    """One clear error before anything leaves: no server is asked for this one."""
    transport = make_transport("nats://127.0.0.1:1")
    with pytest.raises(TransportError, match=told):
        await transport.publish([*numbered("s", 1), Record(wrong, b"")])


async def test_a_record_that_is_too_large_is_named_with_the_remedy(
    own_nats_server: NatsServer, make_transport: MakeTransport
) -> None:
    """The limit is the server's; nothing is sent, and what comes after is not harmed."""
    assert PAYLOAD_MAX == "8MB"
    transport = make_transport(own_nats_server.url)
    large = Record(entity("s", "one"), bytes(9_000_000))
    with pytest.raises(TransportError, match=r"record 1 has 9000000 bytes.* accepts 8\d*: raise"):
        await transport.publish([*numbered("s", 1), large])
    await transport.publish(numbered("s", 1))
    assert (await read_records(transport, "s", 1)).values() == numbers(1)


async def test_many_publishes_under_way_keep_their_order(
    nats_server: NatsServer, make_transport: MakeTransport, scope: str
) -> None:
    """A-107: in the order of the calls, through a window that all of them share."""
    transport = make_transport(nats_server.url)
    count = 7 * WINDOW_RECORDS
    sent = numbered(scope, count)
    receipts = await asyncio.gather(
        *(transport.publish(sent[n : n + 300]) for n in range(0, count, 300))
    )
    assert set(map(str, receipts)) == {str(Receipt())}
    assert (await read_records(transport, scope, count)).values() == numbers(count)


async def test_a_server_that_is_away_for_long_is_an_error_and_later_publishes_work(
    own_nats_server: NatsServer, make_transport: MakeTransport
) -> None:
    """Fault 12: a publish waits for the server, not for ever, and a publisher outlives it."""
    transport = make_transport(own_nats_server.url)
    await transport.publish(numbered("s", 1))
    own_nats_server.stop()
    await until(lambda: not transport.state().connected)
    patient = asyncio.create_task(transport.publish(numbered("s", 1, first=1)))
    await asyncio.sleep(0.2)
    own_nats_server.start()
    await patient
    own_nats_server.stop()
    await until(lambda: not transport.state().connected)
    hasty = make_transport(own_nats_server.url, limits=PublishLimits(connect_timeout_s=0.2))
    with pytest.raises(TransportError, match="was not reached within"):
        await hasty.publish(numbered("s", 1))
    own_nats_server.start()
    await until(lambda: hasty.state().connected)
    await transport.publish(numbered("s", 1, first=2))
    await hasty.publish(numbered("s", 1, first=3))
    assert (await read_records(transport, "s", 4)).values() == numbers(4)


async def test_what_was_under_way_when_the_server_died_is_told_as_unknown(
    make_transport: MakeTransport,
) -> None:
    """Fault 12: stored or not, nobody knows, so it is an error; what was confirmed is there."""
    server = NatsProcess()
    try:
        server.start()
        transport = make_transport(server.url)
        await transport.publish(numbered("s", 1))
        assert server.pid is not None
        server.suspend()
        publishing = asyncio.create_task(transport.publish(numbered("s", 10, first=1)))
        await asyncio.sleep(0.1)
        server.kill()
        with pytest.raises(TransportError, match=r"10 of 10 records .* unknown"):
            await publishing
        server.start()
        await transport.publish(numbered("s", 10, first=1))
        values = (await read_records(transport, "s", 11)).values()
        assert set(values) == set(numbers(11))
    finally:
        server.close()


@pytest.mark.parametrize("count", [10, 2 * WINDOW_RECORDS])
async def test_silence_is_an_error(make_transport: MakeTransport, count: int) -> None:
    """A stream that never acknowledges does not hold a publisher for ever."""
    server = NatsProcess()
    try:
        server.start()
        transport = make_transport(server.url, limits=PublishLimits(ack_timeout_s=0.5))
        await transport.publish(numbered("s", 1))
        assert server.pid is not None
        server.suspend()
        with pytest.raises(TransportError, match=f"{count} of {count} .* nothing was ack"):
            await transport.publish(numbered("s", count, first=1))
        os.kill(server.pid, signal.SIGCONT)
    finally:
        server.close()


async def test_a_record_that_the_stream_refuses_is_an_error(
    nats_server: NatsServer, make_transport: MakeTransport, jetstream: JetStreamContext, scope: str
) -> None:
    """The reason is the server's own."""
    await jetstream.add_stream(name=scope, subjects=[f"nova.{scope}.>"], max_msg_size=100)
    transport = make_transport(nats_server.url)
    await transport.publish(numbered(scope, 1))
    large = Record(entity(scope, "one"), bytes(101))
    with pytest.raises(TransportError, match=r"1 of 2 records .*message size exceeds"):
        await transport.publish([*numbered(scope, 1), large])


async def test_a_stream_that_is_gone_is_an_error_and_then_made_again(
    nats_server: NatsServer, make_transport: MakeTransport, manager: JetStreamManager, scope: str
) -> None:
    """Known streams are looked for again once one turns out not to be there."""
    transport = make_transport(nats_server.url)
    await transport.publish(numbered(scope, 1))
    await manager.delete_stream(f"nova-{scope}")
    with pytest.raises(TransportError, match=r"1 of 1 records .* no stream accepts"):
        await transport.publish(numbered(scope, 1))
    await transport.publish(numbered(scope, 1))
    assert (await read_records(transport, scope, 1)).values() == numbers(1)


async def test_a_cancelled_publish_makes_room_for_others(
    nats_server: NatsServer, make_transport: MakeTransport, scope: str
) -> None:
    """Its records may be stored or not; the window is not held by it."""
    transport = make_transport(nats_server.url)
    await transport.publish(numbered(scope, 1))
    for _ in range(20):
        publishing = asyncio.create_task(transport.publish(numbered(scope, WINDOW_RECORDS // 2)))
        await asyncio.sleep(0)
        publishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await publishing
    await transport.publish([Record(entity(scope, "last"), b"last")])


async def test_closing_waits_for_what_is_being_published(
    nats_server: NatsServer, make_transport: MakeTransport, scope: str
) -> None:
    """A publish that close meets under way still ends with its acknowledgement."""
    transport = make_transport(nats_server.url)
    await transport.publish(numbered(scope, 1))
    under_way = asyncio.create_task(transport.publish(numbered(scope, 5_000, first=1)))
    await asyncio.sleep(0)
    await transport.close()
    assert await under_way == Receipt()
    reading = await read_records(make_transport(nats_server.url), scope, 5_001)
    assert reading.values() == numbers(5_001)
