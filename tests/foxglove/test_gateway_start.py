"""Whom a gateway lets in, when it does not start, and when it ends."""

from __future__ import annotations

import asyncio
import math
import os
import re
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from nova.foxglove.gateway import Gateway, GatewayOptions, PlaybackRange
from nova.sdk.client.client import Client
from nova.sdk.errors import NovaError
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.transport.base import connect
from nova.testkit.command_fork import start_command
from nova.testkit.running_nova import nova_command, running_nova
from tests.edge.read_api.http_reader import START_NS, HttpReader, at
from tests.foxglove.gateways import FAR, SECOND_NS, A, B, gateway
from tests.foxglove.viewer_client import viewing


async def refused(url: str, **options: Any) -> tuple[int, str]:
    """The status and text with which a connection is refused."""
    async with aiohttp.ClientSession() as session:
        headers = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
            **options,
        }
        async with session.get(url.replace("ws", "http", 1), headers=headers) as answer:
            return answer.status, await answer.text()


def test_pages_of_other_sites_are_refused(api: HttpReader) -> None:
    async def foreign() -> None:
        allowed = ("https://app.foxglove.dev", "file://")
        async with gateway(api, origins=allowed, viewers_max=1) as url:
            offered = {"Sec-WebSocket-Protocol": "foxglove.sdk.v1"}
            for origin in ("https://evil.example", "null", "http://localhost.evil.example"):
                status, text = await refused(url, Origin=origin, **offered)
                assert status == 403 and "--origin" in text
            for own in (*allowed, "http://localhost:8080", "http://[::1]:1", None):
                async with viewing(url, origin=own) as viewer:
                    await viewer.until(A)
                    status, text = await refused(url, **offered)
                    assert status == 503 and "1 viewers" in text
            async with viewing(url, subprotocol="foxglove.websocket.v1") as viewer:
                await viewer.until(A)
            assert (await refused(url))[0] == 400
            assert (await refused(url, Upgrade="none"))[0] == 426

    asyncio.run(foreign())


def test_it_does_not_start_on_nothing(api: HttpReader) -> None:
    async def nothing() -> None:
        with pytest.raises(NovaError, match="nothing to play"):
            async with gateway(api, played=PlaybackRange(0, 1)):
                pass
        async with gateway(api) as url:
            with pytest.raises(NovaError, match="cannot listen"):
                other = Gateway(lambda: Client.to_edge(api.url, api.token), GatewayOptions())
                async with other.serving(int(url.rpartition(":")[2])):
                    pass

    asyncio.run(nothing())


def test_a_viewer_that_takes_nothing_is_disconnected(api: HttpReader) -> None:
    """Another one plays meanwhile."""

    async def slow() -> None:
        wide = PlaybackRange(START_NS)
        async with gateway(api, played=wide, send_timeout_s=0.2) as url, viewing(url) as viewer:
            await viewer.subscribe(A, B, FAR)
            for _ in range(25):  # More than the buffers between them hold.
                await viewer.send_control(play=True, speed=math.inf, seek_ns=START_NS)
                await asyncio.sleep(0.05)
            async with viewing(url) as other:
                await other.subscribe(A)
                await other.control(play=True, speed=math.inf)
                await other.until_ended()
            await asyncio.sleep(0.5)
            with pytest.raises(ConnectionError):
                while True:
                    await viewer.receive()

    asyncio.run(slow())


def test_it_says_when_nova_has_gone(tmp_path: Path) -> None:
    """The viewer is disconnected and may connect again; there is nothing to read for it now."""

    async def gone() -> None:
        with running_nova(tmp_path / "data", "--scope", "sat") as running:
            async with Producer(connect(running.publish), "sat") as producer:
                now = producer.observe(Entity("bus", "eps", "a"), START_NS)
                await producer.send([now.parsed("Count", {"n": 1})])

            async def local() -> Client:
                return await Client.to_core(running.data)

            async with Gateway(local, GatewayOptions()).serving(0) as port:
                url = f"ws://127.0.0.1:{port}"
                async with viewing(url) as viewer:
                    await viewer.subscribe("/sat/parsed/bus/eps/a/Count")
                    await viewer.hear_nothing(0.1)
                    running.kill()
                    with pytest.raises(ConnectionError, match="1011"):
                        while True:
                            await viewer.receive()

    asyncio.run(gone())


def test_the_command_serves_until_it_is_stopped(api: HttpReader) -> None:
    command = ("foxglove", "--url", api.url, "--port", "0", "--from", at(0), "--lanes", "parsed")
    environment = {**os.environ, "NOVA_TOKEN": api.keys["all"]}
    with start_command(*command, environment=environment) as process:
        assert process.stdout is not None
        (url,) = re.findall(rb"ws://[0-9.:]+", process.stdout.readline())

        async def connected() -> None:
            async with viewing(url.decode()) as viewer:
                await viewer.until(A)
                assert viewer.info["dataStartTime"]["sec"] == START_NS // SECOND_NS

        asyncio.run(connected())
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--to", "now"), "--to needs --from"),
        (("--from", "yesterday"), "is not an ISO 8601 time"),
        (("--origin", "app.foxglove.dev"), "is not an origin"),
        (("--token", "nova_wrong"), "token"),
        (("--lanes", "air"), "is not one of"),
    ],
    ids=["to", "from", "origin", "token", "lanes"],
)
def test_wrong_options_are_refused(api: HttpReader, options: tuple[str, ...], why: str) -> None:
    token = () if "--token" in options else ("--token", api.token)
    done = nova_command("foxglove", "--url", api.url, "--port", "0", *token, *options)
    assert done.returncode != 0 and why in done.stderr.decode()
