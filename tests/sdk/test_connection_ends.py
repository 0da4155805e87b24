"""Connections end by clients that go, which is no failure."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from nova.sdk import connection_ends


async def leave(path: Path, request: bytes) -> None:
    """Send a request, or a part of it, and go without a word."""
    _, writer = await asyncio.open_unix_connection(str(path))
    writer.write(request)
    await writer.drain()
    await asyncio.sleep(0.01)
    writer.transport.abort()


@pytest.mark.parametrize("what", ["read", "handshake", "write"])
async def test_a_client_that_goes_is_no_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    """In its body, before its handshake is answered, and in its download; a fault of the
    server's own connections still is one.
    """
    ended = asyncio.Event()

    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            if what == "read":
                await request.read()
                return web.Response()
            while request.transport is not None:
                await asyncio.sleep(0.01)
            response: web.StreamResponse = web.WebSocketResponse()
            if what == "write":
                response = web.StreamResponse()
            await response.prepare(request)
            return response
        finally:
            ended.set()

    async def fail(_: web.Request) -> web.StreamResponse:
        raise ConnectionResetError("of another connection")

    caplog.set_level("DEBUG")
    app = web.Application(middlewares=[connection_ends.departures])
    app.add_routes([web.post("/", serve), web.get("/", serve), web.get("/fail", fail)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "s")).start()
    upgrade = (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    half = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf"
    await leave(tmp_path / "s", half if what == "read" else upgrade)
    async with asyncio.timeout(60):
        await ended.wait()
        while not caplog.records:
            await asyncio.sleep(0.01)
    gone = [one for one in caplog.records if "a client has gone" in one.message]
    assert len(gone) == 1 and all(one.levelname == "DEBUG" for one in caplog.records)
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
    writer.write(b"GET /fail HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b" 500 " in await reader.readline()
    writer.close()
    await runner.cleanup()


async def test_a_send_that_finds_room_is_over_at_once() -> None:
    """Nothing else runs in between."""
    found = list[str]()

    async def send() -> None:
        found.append("sent")

    other = asyncio.create_task(asyncio.sleep(0))
    await connection_ends.finish_alone(send())
    assert found == ["sent"] and not other.done()
    await other


async def test_a_send_goes_on_when_its_caller_is_cancelled() -> None:
    """Each of several that wait for room finishes, as does the one whose caller is gone; an error
    reaches a caller that waits.
    """
    room, found = asyncio.get_running_loop().create_future(), list[int]()

    async def send(number: int) -> None:
        await room
        await asyncio.sleep(0.001)
        found.append(number)
        if number == 2:
            raise ConnectionResetError("the peer is gone")

    callers = [asyncio.create_task(connection_ends.finish_alone(send(one))) for one in range(3)]
    await asyncio.sleep(0)
    callers[0].cancel()
    await asyncio.wait((callers[0],))
    assert callers[0].cancelled() and found == []
    room.set_result(None)
    _, ended, failed = await asyncio.gather(*callers, return_exceptions=True)
    assert ended is None and isinstance(failed, ConnectionResetError)
    assert sorted(found) == [0, 1, 2]
