"""A reader that hangs keeps its connections and sends nothing; its clients are notified all the
same.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from nova.edge.edge_config import EdgeLimits
from nova.sdk.protocol.messages import Latest, StreamCancelled
from tests.edge.peer import WAIT_S, Peer, chunk, start, started
from tests.edge.server import running_edge

LIMITS = EdgeLimits(reader_poll_interval_s=0.02, reader_reply_timeout_s=2.0)


async def test_a_reader_that_hangs_is_told_and_found_again(tmp_path: Path, peer: Peer) -> None:
    """Nobody waits for what is not coming, and nothing is handed to who does it late."""
    async with running_edge(tmp_path, peer.socket, limits=LIMITS) as edge, edge.client() as client:
        connection = await peer.connection(client)
        await client.send(start("a"))
        await connection.take()
        peer.hangs = True
        assert await client.receive() == StreamCancelled(playback_request_id="a")
        assert await client.error() == ("coreUnavailable", None)
        await connection.wait_closed()
        await client.send(Latest(ref=1))
        assert await client.error() == ("coreUnavailable", 1)
        async with edge.client() as other:  # a new client is let in, and hears of it
            await other.send(Latest(ref=2))
            assert await other.error() == ("coreUnavailable", 2)
        peer.hangs = False
        again = await peer.connection()
        await client.send(start("b"))
        await again.begin("b")
        await again.send(chunk("b"))
        assert [await client.frame() for _ in range(2)] == [started("b"), chunk("b")]


async def test_a_reader_that_answers_keeps_its_clients(tmp_path: Path, peer: Peer) -> None:
    """However quiet its streams are."""
    async with running_edge(tmp_path, peer.socket, limits=LIMITS) as edge, edge.client() as client:
        connection = await peer.connection(client)
        await client.send(start("a"))
        await connection.begin("a")
        await asyncio.sleep(3 * LIMITS.reader_reply_timeout_s)
        await connection.send(chunk("a"))
        assert [await client.frame() for _ in range(2)] == [started("a"), chunk("a")]
        assert not connection.closed.is_set()


@pytest.mark.parametrize("is_gone", [True, False])
async def test_a_reader_that_hung_and_went_is_found_again(
    tmp_path: Path, peer: Peer, is_gone: bool
) -> None:
    """A killed one is not waited for as one that hangs."""
    async with running_edge(tmp_path, peer.socket, limits=LIMITS) as edge, edge.client() as client:
        await peer.connection(client)
        peer.hangs = True
        assert await client.error() == ("coreUnavailable", None)
        if is_gone:
            await peer.stop()
            await peer.start()
        peer.hangs = False
        again = await peer.connection()
        async with asyncio.timeout(WAIT_S):
            await client.send(Latest(ref=1))
            assert await again.take() == Latest(ref=1)
