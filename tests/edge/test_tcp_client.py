"""Clients of TCP streams that do not read, talk, come and go; the reader is a real NOVA's."""

from __future__ import annotations

import asyncio
import random
import socket
from pathlib import Path

import pytest

from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity, Observer
from nova.testkit.running_nova import RunningNova
from tests.edge import tapping
from tests.edge.tapping import SCOPE, Tap, TapClient, definition, line_of, tapped

KIB = 1024
SMALL = {"queue_max_bytes": 64 * KIB, "batch_bytes": 8 * KIB, "send_buffer_bytes": 8 * KIB}
PADDING = "x" * 1_000


def numbered(system: str, numbers: range) -> list[Event]:
    """Events with these numbers and a kilobyte each."""
    observer, entity = Observer(SCOPE), Entity(system, "eps", "unit")
    return [observer.observe(entity).parsed("Count", {"n": n, "padding": PADDING}) for n in numbers]


def stalled(port: int) -> socket.socket:
    """A client that never reads."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * KIB)
    client.connect(("127.0.0.1", port))
    return client


async def read_as_published(nova: RunningNova, client: TapClient, events: list[Event]) -> None:
    """Publish events part by part, each when the client has got the one before."""
    for first in range(0, len(events), 50):
        part = range(first, min(first + 50, len(events)))
        await tapping.publish(nova, [events[n] for n in part])
        assert await client.numbers_until(part[-1]) == list(part)


async def read_lines(client: socket.socket) -> list[bytes]:
    """Whole lines that a client gets until it is disconnected."""
    client.setblocking(False)
    loop, received = asyncio.get_running_loop(), bytearray()
    async with asyncio.timeout(tapping.WAIT_S):
        while part := await loop.sock_recv(client, 1 << 20):
            received += part
    assert received.endswith(b"\n"), "a message was cut"
    return bytes(received).splitlines(keepends=True)


async def test_a_client_that_stops_reading_gets_later_messages_whole(nova: RunningNova) -> None:
    """What it does not get is counted; what it gets is in order and ends with the present; others
    get everything.
    """
    wanted = definition("catchup")
    async with tapped(nova.data, **SMALL) as tap:
        await tap.start(wanted)
        with stalled(wanted.port) as slow:
            async with tap.client(wanted) as healthy:
                await read_as_published(nova, healthy, numbered("catchup", range(600)))
                dropped = tap.status("catchup").dropped
                assert dropped > 0
                reading = asyncio.create_task(read_lines(slow))
                await tap.until("catchup", lambda s: s.messages == 1_200 - dropped)
            await tap.streams.stop("catchup")
            *lines, closing = await reading
        assert closing.startswith(b'{"type":"streamCancelled"')
        envelopes = await tapping.stored(nova.data, wanted)
        everything = [line_of(envelope).encode() for envelope in envelopes]
        assert len(lines) + dropped == len(everything)
        assert lines == [line for line in everything if line in set(lines)]
        assert lines[0] == everything[0] and lines[-1] == everything[-1]


async def test_or_it_is_disconnected(nova: RunningNova) -> None:
    wanted = definition("disconnect", backpressure="disconnect")
    async with tapped(nova.data, **SMALL) as tap:
        await tap.start(wanted)
        with stalled(wanted.port) as slow:
            async with tap.client(wanted) as healthy:
                await read_as_published(nova, healthy, numbered("disconnect", range(600)))
                await tap.until("disconnect", lambda s: s.connections == 1)
                assert tap.status("disconnect").dropped > 0
            slow.setblocking(True)
            with pytest.raises(ConnectionError):
                while slow.recv(1 << 20):
                    pass


async def test_a_client_that_takes_nothing_for_long_is_disconnected(nova: RunningNova) -> None:
    """Also one that would get later messages: it may be gone without a word."""
    wanted = definition("stalled")
    async with tapped(nova.data, **SMALL, stalled_max_s=0.3) as tap:
        await tap.start(wanted)
        with stalled(wanted.port):
            async with tap.client(wanted) as healthy:
                await tapping.publish(nova, numbered("stalled", range(100)))
                await tap.until("stalled", lambda s: s.connections == 1)
                assert await healthy.numbers_until(99) == list(range(100))


async def test_a_client_that_says_nothing_more_still_listens(nova: RunningNova) -> None:
    """As `nc </dev/null` does; when it has gone, that is noticed although nothing is sent."""
    wanted = definition("halfclosed")
    async with tapped(nova.data) as tap:
        await tap.start(wanted)
        async with tap.client(wanted) as client:
            client.writer.write_eof()
            await tapping.publish(nova, numbered("halfclosed", range(3)))
            assert await client.numbers_until(2) == [0, 1, 2]
            client.reset()
            await tap.until("halfclosed", lambda s: s.connections == 0)


async def flood(client: TapClient) -> None:
    """Send noise until the other side takes no more."""
    noise = random.Random(1).randbytes(64 * KIB)
    while True:
        client.writer.write(noise)
        await client.writer.drain()


async def churn(tap: Tap, port: int, rounds: int) -> None:
    """Clients that come, read a little or nothing, and go politely or with a reset."""
    drawn = random.Random(port)
    for _ in range(rounds):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if drawn.random() < 0.5:
            writer.write(drawn.randbytes(drawn.randrange(1, 2_000)))
        await asyncio.sleep(drawn.random() * 0.02)
        if drawn.random() < 0.5:
            writer.transport.abort()
        else:
            writer.close()
        del reader


async def test_what_clients_say_and_their_coming_and_going_disturbs_nobody(
    nova: RunningNova,
) -> None:
    """Noise is discarded, and only so much of it is read."""
    wanted = definition("noise")
    async with tapped(nova.data, discard_bytes_per_s=4 * KIB) as tap:
        await tap.start(wanted)
        async with tap.client(wanted) as client, tap.client(wanted) as loud:
            flooding = asyncio.create_task(flood(loud))
            coming = [asyncio.create_task(churn(tap, wanted.port, 30)) for _ in range(8)]
            for first in range(0, 1_000, 100):
                await tapping.publish(nova, numbered("noise", range(first, first + 100)))
            assert await client.numbers_until(999) == list(range(1_000))
            await asyncio.gather(*coming)
            await tapping.publish(nova, numbered("noise", range(1_000, 1_001)))
            await tap.until("noise", lambda s: s.connections == 2)
            assert not flooding.done()
            flooding.cancel()
            await asyncio.wait((flooding,))
            assert await loud.numbers_until(1_000) == list(range(1_001))


async def test_clients_beyond_the_limits_are_refused(nova: RunningNova) -> None:
    """Those of one stream, and those of all together."""
    one, two = definition("full1"), definition("full2")
    async with tapped(nova.data, clients_per_stream_max=2, clients_max=3) as tap:
        await tap.start(one)
        await tap.start(two)
        async with tap.client(one), tap.client(one), tap.client(two):
            for port in (one.port, two.port):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                assert await TapClient(reader, writer).has_ended()
                writer.close()
            assert [tap.status(name).connections for name in ("full1", "full2")] == [2, 1]
        await tap.until("full1", lambda s: s.connections == 0)
        async with tap.client(one):
            pass


KEEPALIVE_TIMER = "02"


async def test_a_silent_peer_is_probed(nova: RunningNova) -> None:
    """Linux says so of each connection: one that vanished without a word is found."""
    wanted = definition("probed")
    async with tapped(nova.data) as tap:
        await tap.start(wanted)
        async with tap.client(wanted):
            served = f":{wanted.port:04X}"
            rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
            timers = [row[5] for row in rows if row[1].endswith(served) and row[3] == "01"]
            assert [timer.partition(":")[0] for timer in timers] == [KEEPALIVE_TIMER]
