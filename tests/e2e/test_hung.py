"""Hung processes: stopped ones are distinguished from working ones, and continue."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import pytest

from nova.sdk.client.client import Client, login
from nova.sdk.errors import ConnectionLostError, ProtocolError, ServiceError
from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.protocol.submission import SubmitChat
from nova.testkit.running_nova import PASSWORD, RunningNova, nova_command
from tests.e2e.test_up import publish

WAIT_S = 60.0
LIVE = Filters(lanes=["ui"])


@contextmanager
def stopped(process_id: int) -> Iterator[None]:
    """A process that hangs while the block runs."""
    os.kill(process_id, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process_id, signal.SIGCONT)


async def client_of(nova: RunningNova) -> Client:
    """A client through the edge."""
    return await Client.to_edge(nova.url, await login(nova.url, "admin", PASSWORD))


async def served_again(nova: RunningNova) -> Client:
    """A client of the next reader; it starts as slowly as the machine is busy."""
    while True:
        try:
            return await Client.to_core(nova.data)
        except ConnectionLostError:
            await asyncio.sleep(0.1)


async def until_ready_is(nova: RunningNova, code: int) -> str:
    """What `/readyz` says once it has this status."""
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{nova.url}/readyz") as reply:
                if reply.status == code:
                    return str((await reply.json())["status"])
            await asyncio.sleep(0.1)


@pytest.mark.slow
async def test_a_reader_that_hangs_is_told_to_its_clients(nova: RunningNova) -> None:
    """Streams and requests get `coreUnavailable` instead of silence, and work again once the reader
    continues.
    """
    await publish(nova.publish, 1)
    async with asyncio.timeout(3 * WAIT_S), await client_of(nova) as client:
        stream = client.stream("LIVE", filters=LIVE)
        streaming = asyncio.ensure_future(anext(stream))
        await client.status()
        with stopped(nova.child("reader")):
            asking = asyncio.ensure_future(client.status())
            with pytest.raises(ConnectionLostError):
                await streaming
            with pytest.raises((ConnectionLostError, ProtocolError), match="does not answer"):
                await asking
            assert "reader" in await until_ready_is(nova, 503)
            with pytest.raises(ProtocolError) as caught:
                await client.status()
            assert caught.value.code == "coreUnavailable"
        assert await until_ready_is(nova, 200) == "ready"
        while True:
            try:
                events = [event async for event in client.query(Query(filters=LIVE))]
                break
            except (ConnectionLostError, ProtocolError):
                await asyncio.sleep(0.1)
        assert len(events) == 1


async def test_a_reader_that_hangs_is_told_on_its_socket(nova: RunningNova) -> None:
    """To clients that are connected, with a request or a stream, to new ones, and to commands; they
    are served again when it continues, or when another has taken its place.
    """
    await publish(nova.publish, 1)
    async with asyncio.timeout(3 * WAIT_S), await Client.to_core(nova.data) as client:
        streaming = asyncio.ensure_future(anext(client.stream("LIVE", filters=LIVE)))
        await client.status()
        with stopped(nova.child("reader")):
            for awaited in (client.status(), streaming, Client.to_core(nova.data)):
                with pytest.raises(ServiceError, match="does not answer") as caught:
                    await awaited
                assert caught.value.code == "coreUnavailable"
            told = await asyncio.to_thread(nova_command, "status", "--data", str(nova.data))
            assert told.returncode and b"does not answer" in told.stderr
        assert (await client.status()).mode == "payload"

        os.kill(nova.child("reader"), signal.SIGKILL)
        async with await served_again(nova) as again:
            assert (await again.status()).mode == "payload"
        assert (await client.status()).mode == "payload"


async def test_a_writer_that_hangs_is_said(nova: RunningNova) -> None:
    """The archive is served meanwhile; what is submitted is refused and not kept until it
    is too late.
    """
    await publish(nova.publish, 1)
    said = SubmitChat(scope_id="sat", content="hello", timeline_mode="LIVE")
    async with asyncio.timeout(3 * WAIT_S), await client_of(nova) as client:
        with stopped(nova.child("writer")):
            assert "writer" in await until_ready_is(nova, 503)
            assert not (await client.status()).writer_connected
            assert len([event async for event in client.query(Query(filters=LIVE))]) == 1
            with pytest.raises(ProtocolError, match="nothing was recorded") as caught:
                await client.submit_chat(said)
            assert caught.value.code == "writerAway"
        assert await until_ready_is(nova, 200) == "ready"
        assert (await client.status()).writer_connected
        await client.submit_chat(said)
        await publish(nova.publish, 2)
