"""The upstream connection: a reader that restarts, and a client that does not read."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nova.edge.edge_config import EdgeLimits
from nova.sdk.protocol.account import ListSessions, SessionsResponse
from nova.sdk.protocol.messages import Latest, StartStream, StreamCancelled, StreamStarted
from tests.edge.peer import Peer, chunk, error, start
from tests.edge.server import RunningEdge, running_edge

CHUNK_BYTES = 64 * 1024
HELD_MAX_BYTES = 64 * 1024 * 1024


async def test_a_lost_reader_is_told_and_found_again(edge: RunningEdge, peer: Peer) -> None:
    """The client learns that its stream ended, and continues when the reader is back."""
    async with edge.client() as client:
        connection = await peer.connection(client)
        await client.send(start("a"))
        await connection.begin("a")
        assert isinstance(await client.receive(), StreamStarted)
        await peer.stop()
        assert await client.receive() == StreamCancelled(playback_request_id="a")
        assert await client.error() == ("coreUnavailable", None)
        await client.send(Latest(ref=1))
        assert await client.error() == ("coreUnavailable", 1)
        await peer.start()
        again = await peer.connection()
        await client.send(start("b"))
        request = await again.begin("b")
        assert isinstance(request, StartStream) and request.playback_request_id == "b"
        assert isinstance(await client.receive(), StreamStarted)
        await again.send(chunk("b"))
        assert await client.frame() == chunk("b")


async def test_a_reader_that_is_not_there_yet_is_waited_for(
    tmp_path: Path, reader_socket: Path
) -> None:
    """Logging in works before the Core is up; requests say what is missing."""
    peer = Peer(reader_socket)
    async with running_edge(tmp_path, reader_socket) as edge, edge.client() as client:
        await client.send(start("a"))
        assert await client.error() == ("coreUnavailable", None)
        await peer.start()
        connection = await peer.connection()
        await client.send(Latest(ref=1))
        assert await connection.take() == Latest(ref=1)
        await peer.stop()


async def test_a_client_has_no_connection_to_the_reader_before_it_asks_for_one(
    edge: RunningEdge, peer: Peer
) -> None:
    """Sessions are answered by the edge itself."""
    async with edge.client() as idle, edge.client() as client:
        await idle.request(ListSessions(), SessionsResponse)
        connection = await peer.connection(client)
        await client.send(Latest(ref=1))
        assert await connection.take() == Latest(ref=1)
        assert peer.open_count == 1
        await (await peer.connection(idle)).send(error(None))
        assert await idle.error() == ("badRate", None)


async def test_a_client_that_does_not_read_holds_back_the_reader_and_is_cut(
    tmp_path: Path, peer: Peer
) -> None:
    """Bounded memory for each client; others are served meanwhile (pitfalls 21, §1.8)."""
    frame = chunk("a", b'{"x":"' + b"x" * CHUNK_BYTES + b'"}')
    limits = EdgeLimits(send_timeout_s=0.5)
    async with running_edge(tmp_path, peer.socket, limits=limits) as edge:
        async with edge.client() as slow:
            connection = await peer.connection(slow)
            await slow.send(start("a"))
            await connection.begin("a")
            sent = 0
            while not connection.closed.is_set() and sent * CHUNK_BYTES < 2 * HELD_MAX_BYTES:
                sending = asyncio.ensure_future(connection.send(frame))
                closing = asyncio.ensure_future(connection.closed.wait())
                await asyncio.wait({sending, closing}, return_when=asyncio.FIRST_COMPLETED)
                closing.cancel()
                if sending.done():
                    sent += sending.exception() is None
                else:
                    sending.cancel()
            assert connection.closed.is_set()
            assert sent * CHUNK_BYTES < HELD_MAX_BYTES
        async with edge.client() as other:
            again = await peer.connection(other)
            await other.send(Latest(ref=1))
            assert await again.take() == Latest(ref=1)


async def test_what_the_reader_writes_wrongly_does_not_end_the_session(
    edge: RunningEdge, peer: Peer
) -> None:
    """A frame that is none passes as it is, or not at all; the next one is served."""
    async with edge.client() as client:
        connection = await peer.connection(client)
        for frame in (b'{"type":"streamComplete"', b'{"type":"streamChunk","playbackRequestId":"'):
            await connection.send(frame)
        await connection.send(b'{"type":"latestResponse","time":"","events":[]}')
        assert (await client.frame()).startswith(b'{"type":"latestResponse"')
