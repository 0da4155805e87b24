"""Streams that are asked for and not accepted, or not yet, against a scripted peer."""

from __future__ import annotations

import asyncio

import pytest

from sdk import protocol
from sdk.errors import ProtocolError
from sdk.protocol import CancelStream, StartStream, StreamCancelled, StreamChunk, StreamStarted
from tests.sdk.test_client import Peer, connected, is_served, numbers


async def test_a_refused_stream_leaves_the_one_that_runs() -> None:
    """Issue 14 §2.3: here too it goes on, and nothing of it is lost."""

    async def script(peer: Peer) -> None:
        old = await peer.start()
        await peer.chunk(old, 1)
        refused = await peer.take()
        await peer.chunk(old, 2)
        await peer.send(protocol.Error(code="badRate", message=""), refused.ref)
        await peer.chunk(old, 3)
        await peer.end(old)
        await peer.answer_all()

    async with connected(script) as client:
        running = client.stream("LIVE")
        seen = [await anext(running)]
        with pytest.raises(ProtocolError, match="badRate"):
            await anext(client.stream("REPLAY", rate=0))
        seen += [chunk async for chunk in running]
        assert numbers(seen) == [1, 2, 3]
        assert await is_served(client)


async def test_a_stream_that_is_cancelled_before_it_begins_ends() -> None:
    """Who waits for it goes home."""

    async def script(peer: Peer) -> None:
        start = await peer.take()
        assert isinstance(start, StartStream)
        cancel = await peer.take()
        assert isinstance(cancel, CancelStream)
        await peer.send(StreamStarted(playback_request_id=start.playback_request_id), start.ref)
        await peer.send(StreamCancelled(), cancel.ref)
        await peer.answer_all()

    async with connected(script) as client:

        async def watch() -> list[StreamChunk]:
            return [chunk async for chunk in client.stream("LIVE")]

        watching = asyncio.create_task(watch())
        await asyncio.sleep(0)
        await client.cancel_stream()
        assert await watching == []
        assert await is_served(client)
