"""A stop drains: what is under way is finished, nothing new is taken, and nothing is half."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import aiohttp
import msgspec
import pytest
from aiohttp import WSCloseCode, WSMsgType
from click.testing import CliRunner

from nova.edge.streams_command import streams as streams_command
from nova.sdk.client.client import Client, login
from nova.sdk.endpoints import exports_folder
from nova.sdk.errors import ConnectionLostError
from nova.sdk.protocol.messages import Query
from nova.testkit.ports import free_port
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova
from tests.e2e.recorded_flight import SCOPE, publish_history
from tests.e2e.test_health import export_workers
from tests.e2e.test_up import alive

WAIT_S = 60.0
QUERIES = 12
Frame = dict[str, object]


class DrainedClient:
    """A client of an edge with all frames that it has received."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        self._socket = socket
        self.frames: list[Frame] = []

    async def send(self, message_type: str, **members: object) -> None:
        await self._socket.send_json({"type": message_type, **members})

    async def until(self, **members: object) -> Frame:
        """Receive up to a frame with these members."""
        while True:
            frame: Frame = await self._socket.receive_json()
            self.frames.append(frame)
            if members.items() <= frame.items():
                return frame

    async def until_closed(self) -> int | None:
        """Receive until the connection is closed; returns the code."""
        async for message in self._socket:
            assert message.type is WSMsgType.TEXT
            self.frames.append(msgspec.json.decode(message.data))
        return self._socket.close_code

    def of_type(self, message_type: str) -> list[Frame]:
        return [frame for frame in self.frames if frame["type"] == message_type]


@asynccontextmanager
async def drained_client(nova: RunningNova) -> AsyncIterator[DrainedClient]:
    token = await login(nova.url, "admin", PASSWORD)
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{nova.url}/ws") as socket:
        client = DrainedClient(socket)
        await client.send("auth", token=token)
        yield client


async def stopped_export(nova: RunningNova, client: DrainedClient) -> list[int]:
    """Start an export; returns the ids of its workers, which are stopped."""
    await client.send("export", ref="export")
    while not (workers := export_workers(nova)):
        await asyncio.sleep(0.005)
    for number in workers:
        os.kill(number, signal.SIGSTOP)
    await client.until(type="exportStarted")
    return workers


async def until_refused(client: DrainedClient) -> None:
    """Request until that is refused because NOVA stops."""
    number = 0
    while True:
        await client.send("status", ref=f"late {number}")
        reply = await client.until(ref=f"late {number}")
        if reply["type"] == "error":
            assert reply["code"] == "shuttingDown"
            return
        number += 1


async def reading_stream(data: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A program that reads a new TCP stream."""
    port = free_port()
    arguments = ["add", "read", "--port", str(port), "--data", str(data)]
    result = await asyncio.to_thread(CliRunner().invoke, streams_command, arguments)
    assert result.exit_code == 0, result.output
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            return await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(0.02)


async def streamed_lanes(found: AsyncIterator[bytes]) -> list[Frame]:
    """Of some events, those that a page gets: all but raw and parsed ones."""
    events: list[Frame] = [msgspec.json.decode(event) async for event in found]
    return [event for event in events if event["lane"] not in ("raw", "parsed")]


def exports(data: Path) -> list[str]:
    """The kinds of files in the folder of exports; a dot for a temporary folder."""
    return sorted(path.suffix or "." for path in exports_folder(data).iterdir())


async def test_a_stop_finishes_what_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-296: queries are answered or refused, an export is completed, and streams end with the
    cursor at which they continue without a gap or a repetition.
    """
    monkeypatch.setenv("NOVA_DRAIN_S", str(WAIT_S))
    data = tmp_path / "data"
    async with asyncio.timeout(2 * WAIT_S):
        with running_nova(data, "--scope", SCOPE) as nova:
            await publish_history(nova.publish)
            streamed, writer = await reading_stream(data)
            async with drained_client(nova) as client, drained_client(nova) as playing:
                workers = await stopped_export(nova, client)
                await playing.send(
                    "startStream", ref=1, playbackRequestId="p", timelineMode="REPLAY", rate=60
                )
                await playing.until(type="streamChunk")
                for number in range(QUERIES):
                    await client.send("query", ref=number, limit=300)
                nova.process.send_signal(signal.SIGTERM)
                assert await playing.until_closed() == WSCloseCode.GOING_AWAY
                await until_refused(client)
                with pytest.raises(ConnectionLostError):
                    await login(nova.url, "admin", PASSWORD)
                for number in workers:
                    os.kill(number, signal.SIGCONT)
                assert await client.until_closed() == WSCloseCode.GOING_AWAY
            assert await asyncio.to_thread(nova.process.wait, WAIT_S) == 0
            closing: Frame = msgspec.json.decode((await streamed.read()).splitlines()[-1])
            writer.close()
            assert closing["type"] == "streamCancelled" and closing["reason"] == "shuttingDown"
        for number in range(QUERIES):
            (reply,) = [frame for frame in client.frames if frame.get("ref") == number]
            assert reply["type"] == "queryResponse" or reply["code"] == "shuttingDown"
        (complete,) = client.of_type("exportComplete")
        assert exports(data) == [".json", ".zip"]
        (archive,) = exports_folder(data).glob("*.zip")
        assert archive.stat().st_size == complete["bytes"]

        (ended,) = playing.of_type("streamCancelled")
        chunks = playing.of_type("streamChunk")
        assert ended["reason"] == "shuttingDown"
        assert ended["cursor"] == chunks[-1]["cursor"]
        first = [event for chunk in chunks for event in cast("list[Frame]", chunk["events"])]
        with running_nova(data, "--scope", SCOPE) as again:
            async with await Client.to_core(again.data) as reader:
                rest = reader.query(Query(after_key=str(ended["lastKey"])))
                ids = [event["eventId"] for event in first]
                ids += [event["eventId"] for event in await streamed_lanes(rest)]
                whole = await streamed_lanes(reader.query(Query()))
                assert ids == [event["eventId"] for event in whole]
            again.kill()


async def test_a_second_signal_cuts(nova: RunningNova) -> None:
    """An export that would take long is cancelled, and nothing of it is left."""
    async with asyncio.timeout(2 * WAIT_S):
        await publish_history(nova.publish)
        async with drained_client(nova) as client:
            workers = await stopped_export(nova, client)
            nova.process.send_signal(signal.SIGTERM)
            await until_refused(client)
            nova.process.send_signal(signal.SIGTERM)
            await client.until_closed()
        await asyncio.to_thread(nova.process.wait, WAIT_S)
        assert client.of_type("exportComplete") == []
        assert not {".zip", ".json"} & set(exports(nova.data))
        while any(alive(number) for number in workers):
            await asyncio.sleep(0.05)
