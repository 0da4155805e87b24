"""A client of a remote edge notices that it hangs long before a reply is overdue."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

import pytest

from nova.sdk.client.connection import Connection
from nova.sdk.client.server_probe import ReaderHungError
from nova.sdk.protocol.messages import Status, StatusResponse

EDGE = """
from aiohttp import web
from nova.sdk.protocol import messages

async def serve(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        ref = messages.ref_of(message.data)
        if b'"auth"' in message.data.encode():
            reply = messages.Authenticated(user="ann", role="viewer", ref=ref)
            await socket.send_str(messages.encode(reply).decode())
    return socket

app = web.Application()
app.router.add_get("/ws", serve)
app.router.add_get("/healthz", lambda request: web.json_response({}))

def ready(text):
    print(text.replace("\\n", " "), flush=True)

web.run_app(app, host="127.0.0.1", port=0, print=ready)
"""
WAIT_S = 25.0
"""Less than a reply may take."""


async def test_a_hung_edge_is_noticed_while_a_reply_is_awaited() -> None:
    """And not while it is only slow: it answers beside the request that takes long."""
    command = [sys.executable, "-c", EDGE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as edge:
        assert edge.stdout is not None
        url = next(word for word in edge.stdout.readline().split() if word.startswith("http"))
        try:
            async with asyncio.timeout(WAIT_S), await Connection.to_edge(url, "token") as client:
                asking = asyncio.ensure_future(client.request(Status(), StatusResponse))
                await asyncio.wait((asking,), timeout=1.5)
                assert not asking.done()
                edge.send_signal(signal.SIGSTOP)
                with pytest.raises(ReaderHungError, match=r"the edge at .* does not answer"):
                    await asking
        finally:
            edge.kill()
