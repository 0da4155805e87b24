"""TCP streams from start to stop: ports, creators, and a reader that goes away."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from nova.edge.access import Access
from nova.edge.tcp_stream_store import StoredStream
from nova.sdk.client.client import Client
from nova.sdk.errors import ProtocolError
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity, Observer
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import Query, StartStream
from nova.sdk.protocol.submission import LANES_HEADER, ROLE_HEADER, SCOPES_HEADER, USER_HEADER
from nova.sdk.protocol.timeline import Neighbour, NeighbourResponse
from nova.testkit.running_nova import RunningNova
from tests.edge import tapping
from tests.edge.peer import CURSOR, Peer, chunk
from tests.edge.tapping import ADMIN, SCOPE, definition, tapped, tapped_reader


def numbered(system: str, numbers: range) -> list[Event]:
    """Small events with these numbers."""
    observer, entity = Observer(SCOPE), Entity(system, "eps", "unit")
    return [observer.observe(entity).parsed("Count", {"n": n}) for n in numbers]


def kill_reader(nova: RunningNova) -> None:
    """End the reader as a crash does; its supervisor starts another one."""
    os.kill(nova.child("reader"), signal.SIGKILL)


async def test_a_reader_that_was_away_leaves_no_gap_and_repeats_nothing(nova: RunningNova) -> None:
    """Also if it went before the first event came, and while events come in."""
    wanted = definition("away")
    async with tapped(nova.data) as tap:
        await tap.start(wanted)
        async with tap.client(wanted) as client:
            kill_reader(nova)
            await tapping.publish(nova, numbered("away", range(10)))
            assert await client.numbers_until(9) == list(range(10))
            await tapping.publish(nova, numbered("away", range(10, 60)))
            kill_reader(nova)
            await tapping.publish(nova, numbered("away", range(60, 110)))
            assert await client.numbers_until(109) == list(range(10, 110))
            assert tap.status("away").connections == 1


async def test_a_reader_that_hangs_leaves_no_gap_either(nova: RunningNova) -> None:
    """The edge drops its connections then, and connects again when it answers."""
    wanted = definition("hanging")
    async with tapped(nova.data) as tap:
        await tap.start(wanted)
        async with tap.client(wanted) as client:
            await tapping.publish(nova, numbered("hanging", range(5)))
            assert await client.numbers_until(4) == list(range(5))
            os.kill(nova.child("reader"), signal.SIGSTOP)
            tap.responding.clear()
            tap.streams.drop_reader()
            await tapping.publish(nova, numbered("hanging", range(5, 9)))
            os.kill(nova.child("reader"), signal.SIGCONT)
            tap.responding.set()
            assert await client.numbers_until(8) == list(range(5, 9))


async def test_a_client_begins_at_the_present(nova: RunningNova) -> None:
    """Whatever the archive holds, and anew after a time without clients."""
    wanted = definition("begin")
    async with tapped(nova.data) as tap:
        await tap.start(wanted)
        for first in (0, 10):
            await tapping.publish_past(nova, numbered("begin", range(first, first + 5)))
            async with tap.client(wanted) as client:
                await tapping.publish(nova, numbered("begin", range(first + 5, first + 10)))
                assert await client.numbers_until(first + 9) == list(range(first + 5, first + 10))
            await tap.until("begin", lambda s: s.connections == 0)


async def test_a_port_that_is_taken_is_used_when_it_is_free(nova: RunningNova) -> None:
    wanted = definition("port")
    async with tapped(nova.data) as tap:
        with socket.create_server(("127.0.0.1", wanted.port)):
            await tap.start(wanted)
            problem = tap.status("port").problem
            assert problem is not None and f"port {wanted.port} of 127.0.0.1 is taken" in problem
            assert not tap.status("port").listening
        await tap.until("port", lambda s: s.listening and s.problem is None)
        async with tap.client(wanted) as client:
            await tapping.publish(nova, numbered("port", range(1)))
            assert await client.numbers_until(0) == [0]


async def test_an_address_may_be_of_ipv6_and_must_be_this_machines(nova: RunningNova) -> None:
    here, elsewhere = definition("six", bind="::1"), definition("where", bind="192.0.2.1")
    async with tapped(nova.data) as tap:
        await tap.start(here)
        await tap.start(elsewhere)
        problem = tap.status("where").problem
        assert problem is not None and "192.0.2.1 is not an address of this machine" in problem
        async with tap.client(here) as client:
            await tapping.publish(nova, numbered("six", range(1)))
            assert await client.numbers_until(0) == [0]
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", here.port)


async def test_a_stop_ends_the_connections_and_frees_the_port(nova: RunningNova) -> None:
    """Of one stream, and of all with the edge; a start takes the place of a former one."""
    one, two = definition("stop1"), definition("stop2")
    async with tapped(nova.data) as tap, tap.clients([one, two]) as (first, second):
        await tap.streams.stop("stop1")
        assert tap.streams.status("stop1") is None
        assert await first.has_ended()
        with socket.create_server(("127.0.0.1", one.port)):
            pass
        await tap.start(two)
        assert await second.has_ended()
        async with tap.client(two) as third:
            await tap.streams.close()
            assert await third.has_ended()
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", two.port)


def slow_client(port: int) -> socket.socket:
    """A client whose kernel takes little ahead of it."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.connect(("127.0.0.1", port))
    client.setblocking(False)
    return client


async def test_a_stream_that_ends_says_where_it_continues(nova: RunningNova) -> None:
    """Lines end with one that is the protocol's `streamCancelled`; where all bytes are payload,
    the connection ends behind a whole message. What comes later is what a query gives from there.
    """
    lines = definition("ending")
    payloads = definition("ending", name="raw", format="payloadOnly", framing="length2")
    async with tapped(nova.data) as tap, tap.clients([lines, payloads]) as (one, other):
        await tapping.publish(nova, numbered("ending", range(5)))
        assert await one.numbers_until(4) == list(range(5))
        await tap.until("raw", lambda s: s.messages == 5)
        await tap.streams.close()
        closing = await one.line()
        assert closing["type"] == "streamCancelled" and closing["reason"] == "shuttingDown"
        assert closing["cursor"] >= (await tapping.stored_times(nova.data, lines))[-1]
        assert await one.reader.read() == b""
        for n in range(5):
            size = int.from_bytes(await other.read(2), "big")
            assert json.loads(await other.read(size)) == {"n": n}
        assert await other.reader.read() == b""
    await tapping.publish_past(nova, numbered("ending", range(5, 8)))
    async with await Client.to_core(nova.data) as client:
        later = Query(timebase="canonical", filters=lines.filters, after_key=closing["lastKey"])
        found = [json.loads(event)["payload"]["n"] async for event in client.query(later)]
    assert found == [5, 6, 7]


async def test_a_slow_client_gets_everything_and_where_it_continues(nova: RunningNova) -> None:
    """It takes longer than a client may that takes nothing; one of those is cut meanwhile."""
    wanted = definition("behind")
    small = {"batch_bytes": 4_096, "send_buffer_bytes": 4_096, "close_timeout_s": 0.2}
    async with tapped(nova.data, **small) as tap:
        await tap.start(wanted)
        with slow_client(wanted.port) as slow, slow_client(wanted.port) as stuck:
            await tap.until("behind", lambda s: s.connections == 2 and s.cursor is not None)
            for first in range(0, 2_000, 100):
                await tapping.publish_past(nova, numbered("behind", range(first, first + 100)))
            ending = asyncio.create_task(tap.streams.stop("behind"))
            received = bytearray()
            async with asyncio.timeout(tapping.WAIT_S):
                while part := await asyncio.get_running_loop().sock_recv(slow, 16_384):
                    received += part
                    await asyncio.sleep(0.02)
            await ending
            with pytest.raises(ConnectionError):
                while await asyncio.get_running_loop().sock_recv(stuck, 1 << 20):
                    pass
    *got, closing = map(json.loads, bytes(received).splitlines())
    assert closing["reason"] == "stopped"
    assert [line["p"]["n"] for line in got] == list(range(2_000))
    await tapping.publish_past(nova, numbered("behind", range(2_000, 2_003)))
    async with await Client.to_core(nova.data) as client:
        later = Query(timebase="canonical", filters=wanted.filters, after_key=closing["lastKey"])
        rest = [json.loads(event)["payload"]["n"] async for event in client.query(later)]
    assert rest == [2_000, 2_001, 2_002]


async def test_the_archive_stays_as_it_is(nova: RunningNova) -> None:
    """Streams read; nothing is stored of them."""
    wanted = definition(None)
    await tapping.publish_past(nova, numbered("before", range(20)))
    before = await tapping.stored(nova.data, wanted)
    async with tapped(nova.data) as tap, tap.clients([wanted]) as (client,):
        client.writer.write(b'{"type":"submitChat"}\n')
        await tap.until("all", lambda s: s.cursor is not None)
        await tap.streams.stop("all")
    assert await tapping.stored(nova.data, wanted) == before


class Creator:
    """A user whose rights change."""

    def __init__(self) -> None:
        self.access: Access | None = ADMIN

    def now(self, stream: StoredStream) -> Access:
        if self.access is None:
            raise ProtocolError("badStream", f"{stream.created_by!r} is disabled")
        return self.access


async def test_a_stream_reads_with_the_rights_of_its_creator_as_they_are(
    peer: Peer, reader_socket: Path
) -> None:
    """An admin's audit trail is not among them; without a client nothing is read; after a change it
    continues where it was; without rights it stops, and says why.
    """
    creator, wanted = Creator(), definition("rights")
    async with tapped_reader(reader_socket, creator.now, tick_s=1e3) as tap:
        streams = tap.streams
        await tap.start(wanted)
        opened, writer = await asyncio.open_connection("127.0.0.1", wanted.port)
        connection = await peer.connection()
        assert connection.headers[USER_HEADER] == "admin"
        assert connection.headers[ROLE_HEADER] == "viewer"
        assert SCOPES_HEADER not in connection.headers
        assert isinstance(await connection.take(), Neighbour)
        await connection.send(messages.encode(NeighbourResponse(key="aa")))
        start = await connection.take()
        assert isinstance(start, StartStream) and start.after_key == "aa"
        await connection.send(chunk("tcp", EVENT, "bb"))
        await opened.readuntil(b"\n")
        creator.access = replace(ADMIN, scopes=("sat", "sun"), lanes=("raw",))
        await streams.update()
        await connection.wait_closed()
        connection = await peer.connection()
        assert connection.headers[SCOPES_HEADER] == "sat,sun"
        assert connection.headers[LANES_HEADER] == "raw"
        start = await connection.take()
        assert isinstance(start, StartStream) and start.after_key == "bb"
        creator.access = None
        await streams.update()
        await connection.wait_closed()
        problem = tap.status("rights").problem
        assert problem == "'admin' is disabled"
        assert await tapping.TapClient(opened, writer).has_ended()
        creator.access = ADMIN
        await streams.update()
        assert tap.status("rights").listening
        writer.close()


EVENT = (
    b'{"scopeId":"sat","lane":"parsed","systemId":"a","containerId":"b","uniqueId":"c",'
    b'"sourceTruthTime":"2026-01-01T00:00:00.000000000Z","messageType":"M","payload":{},'
    b'"canonicalTruthTime":"2026-01-01T00:00:00.000000000Z"}'
)


async def test_a_client_hears_nothing_of_where_former_clients_got(
    peer: Peer, reader_socket: Path
) -> None:
    """Nothing was read in between: a former one's `lastKey` would give what came in that time, and
    its cursor would say that the stream is at the present before it is.
    """
    wanted = definition("anew")
    async with tapped_reader(reader_socket) as tap:
        await tap.start(wanted)
        for last_key in ("aa", None):
            opened, writer = await asyncio.open_connection("127.0.0.1", wanted.port)
            connection = await peer.connection()
            assert isinstance(await connection.take(), Neighbour)
            assert tap.status("anew").cursor is None
            await connection.send(messages.encode(NeighbourResponse(key="bb")))
            await connection.take()
            events = [EVENT] if last_key else []
            await connection.send(messages.chunk_frame("tcp", CURSOR, events, last_key))
            await tap.until("anew", lambda s: s.cursor == CURSOR)
            if last_key:
                tapping.TapClient(opened, writer).reset()
                await tap.until("anew", lambda s: s.connections == 0)
                await connection.wait_closed()
        await tap.streams.close()
        closing = await tapping.TapClient(opened, writer).line()
        assert (closing["cursor"], closing["lastKey"]) == (CURSOR, "bb"), "where the present began"
        writer.close()


async def test_nothing_is_read_when_the_last_client_has_gone(
    peer: Peer, reader_socket: Path
) -> None:
    async with tapped_reader(reader_socket) as tap:
        wanted = definition("nobody")
        await tap.start(wanted)
        opened, writer = await asyncio.open_connection("127.0.0.1", wanted.port)
        connection = await peer.connection()
        await connection.take()
        tapping.TapClient(opened, writer).reset()
        await connection.wait_closed()
        assert connection.requests.empty()
