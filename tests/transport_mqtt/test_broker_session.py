"""Sessions with a real broker: what is kept, what is lost with the session, and slow takers."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest

from nova.sdk.errors import TransportError
from nova.sdk.transport.base import Batch, Positions, Receipt, Record, Subscription
from nova.sdk.transport.link import LinkHealth
from nova.sdk.transport.link_health_reporter import LinkHealthReporter
from nova.transport_mqtt.broker_session import SHORT_CONNECTIONS_TO_WARN, BrokerSession
from nova.transport_mqtt.config import parse_url
from nova.transport_mqtt.connection import KEEPALIVE_S
from nova.transport_mqtt.naming import topics_of
from nova.transport_mqtt.transport import MqttTransport
from tests.transport_mqtt.conftest import MakeBroker, MakeTransport

pytestmark = pytest.mark.mqtt

WAIT_S = 30.0


def record(scope: str, value: bytes) -> Record:
    """A record of one entity."""
    return Record(f"nova.{scope}.parsed.a.b.c.v1", value)


@asynccontextmanager
async def batches_of(
    transport: MqttTransport, scope: str, positions: Positions
) -> AsyncIterator[AsyncIterator[Batch]]:
    """Batches, each acknowledged when the next one is asked for; `positions` follow them."""

    async def acknowledged() -> AsyncGenerator[Batch, None]:
        async for batch in transport.consume(Subscription(scope), dict(positions)):
            positions.update(batch.positions)
            yield batch
            await transport.acknowledge(batch, Receipt())

    batches = acknowledged()
    async with asyncio.timeout(WAIT_S):
        yield batches
        await batches.aclose()


async def first_with_records(batches: AsyncIterator[Batch]) -> Batch:
    """The next batch that has records."""
    return await anext(batch async for batch in batches if batch.records)


async def test_nothing_is_subscribed_to_before_the_archive_names_the_session(
    make_broker: MakeBroker, make_transport: MakeTransport, scope: str
) -> None:
    """A Core that is killed before would leave its records in a session of nobody."""
    transport = make_transport(make_broker("").url)
    positions: Positions = {}
    async with batches_of(transport, scope, positions) as batches:
        named = await anext(batches)
        assert (named.records, list(named.positions)) == ([], ["session"])
        assert not transport.state().connected
        subscribed = await anext(batches)
        assert transport.state().connected
        assert subscribed.positions["session"] == named.positions["session"]
        assert subscribed.gaps == []


async def test_a_session_that_the_broker_has_lost_is_a_gap(
    make_broker: MakeBroker, make_transport: MakeTransport, scope: str
) -> None:
    """Whatever it held is lost, and that is on record."""
    broker, positions = make_broker(""), Positions()
    transport = make_transport(broker.url)
    async with batches_of(transport, scope, positions) as batches:
        await anext(batches)
        await anext(batches)
        await transport.publish([record(scope, b"kept")])
        assert (await first_with_records(batches)).records[0].value == b"kept"
        await asyncio.to_thread(broker.kill)
        shutil.rmtree(broker.data)
        broker.data.mkdir()
        await asyncio.to_thread(broker.start)
        lost = await anext(batches)
    (gap,) = lost.gaps
    assert gap.topic == f"nova-{positions['session']:x}"
    assert (gap.partition, gap.from_position, gap.to_position) == (None, 1, 1)
    assert (gap.reason, gap.scope_id) == ("recreated", scope)


async def test_positions_of_a_session_continue_its_numbers(
    make_broker: MakeBroker, make_transport: MakeTransport, scope: str
) -> None:
    """Each record has a place of its own in the reject log, over restarts."""
    url, positions = make_broker("").url, Positions()
    places = []
    publisher = make_transport(url)
    for number in range(3):
        reader = make_transport(url)
        async with batches_of(reader, scope, positions) as batches:
            if number == 0:
                await anext(batches)
                await anext(batches)
            await publisher.publish([record(scope, b"%d" % number)])
            batch = await first_with_records(batches)
            places += [(one.value, one.position) for one in batch.records]
            await reader.acknowledge(batch, Receipt())
        await reader.close()
    name = f"nova-{positions['session']:x}"
    assert places == [(b"%d" % number, f"{name}@{number}") for number in range(3)]


async def test_what_is_sent_again_on_another_connection_is_not_delivered_again(
    make_broker: MakeBroker, make_transport: MakeTransport, scope: str
) -> None:
    """It is acknowledged there, once it is stored."""
    broker, positions = make_broker(""), Positions()
    reader, publisher = make_transport(broker.url), make_transport(broker.url)
    batches = reader.consume(Subscription(scope), positions)
    async with asyncio.timeout(WAIT_S):
        for _ in range(2):
            begun = await anext(batches)
            positions |= begun.positions
            await reader.acknowledge(begun, Receipt())
        await publisher.publish([record(scope, b"first")])
        first = await anext(batches)
        await asyncio.to_thread(broker.restart)
        await _publish_when_possible(publisher, record(scope, b"second"))
        second = await anext(batches)
        assert [one.value for one in (*first.records, *second.records)] == [b"first", b"second"]
        for batch in (first, second):
            positions |= batch.positions
            await reader.acknowledge(batch, Receipt())
        await reader.close()
        async with batches_of(make_transport(broker.url), scope, positions) as again:
            await publisher.publish([record(scope, b"third")])
            third = await first_with_records(again)
            assert [one.value for one in third.records] == [b"third"]


async def _publish_when_possible(publisher: MqttTransport, one: Record) -> None:
    while True:
        try:
            await publisher.publish([one])
            return
        except TransportError:
            await asyncio.sleep(0.05)


async def test_two_cores_of_one_session_are_warned_of(
    make_broker: MakeBroker, make_transport: MakeTransport, scope: str
) -> None:
    """As where a copy of an archive runs beside its original."""
    url, positions = make_broker("").url, Positions()
    async with batches_of(make_transport(url), scope, positions) as batches:
        await anext(batches)
        await anext(batches)
    one, other = make_transport(url), make_transport(url)
    async with batches_of(one, scope, positions) as first:
        taking = asyncio.ensure_future(anext(first))
        while not one.state().connected:
            await asyncio.sleep(0.01)
        async with batches_of(other, scope, positions) as second:
            also = asyncio.ensure_future(anext(second))
            while not (warnings := one.state().warnings):
                await asyncio.sleep(0.01)
            assert "does a copy of this archive run somewhere?" in warnings[0]
            while one.state().outages < SHORT_CONNECTIONS_TO_WARN:
                await asyncio.sleep(0.01)
            for task in (taking, also):
                task.cancel()
            await asyncio.wait((taking, also))


async def _full_session(url: str, scope: str, buffer_max_bytes: int) -> BrokerSession:
    config = parse_url(url)
    return BrokerSession(
        config,
        LinkHealthReporter("mqtt", config.link, LinkHealth()),
        f"taker-{scope}",
        [topics_of(scope)],
        buffer_max_bytes=buffer_max_bytes,
    )


@pytest.mark.parametrize("pause_s", [0.2, pytest.param(2.5 * KEEPALIVE_S, marks=pytest.mark.slow)])
async def test_a_slow_taker_bounds_memory_and_stays_connected(
    make_broker: MakeBroker, make_transport: MakeTransport, scope: str, pause_s: float
) -> None:
    """What has no room waits at the broker, for longer than its keep-alive too."""
    url = make_broker("").url
    session = await _full_session(url, scope, 10_000)
    async with asyncio.timeout(WAIT_S + pause_s):
        connection = await session.connection(WAIT_S)
        values = [b"%06d" % number * 500 for number in range(200)]
        await make_transport(url).publish([record(scope, value) for value in values])
        await asyncio.sleep(pause_s)
        first = session.take(1_000, 10**9)
        assert len(first) < len(values) // 2
        payloads: list[bytes] = []
        while True:
            for delivery in first:
                payloads.append(delivery.payload)
                session.acknowledge(delivery)
            if len(payloads) == len(values):
                break
            session.arrived.clear()
            if not (first := session.take(1_000, 10**9)):
                await session.arrived.wait()
        assert payloads == values
        assert not connection.closed.done()
        await session.close(ends_session=True)
