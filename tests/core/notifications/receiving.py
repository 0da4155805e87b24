"""Receivers of notifications: a web hook over real HTTP, and a sink of mail over real SMTP."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

SECRET = "a secret of the receiver"
SMTP_REPLIES = {
    b"EHLO": b"250-sink\r\n250 AUTH PLAIN\r\n",
    b"AUTH": b"235 welcome\r\n",
    b"QUIT": b"221 bye\r\n",
}


@dataclass
class ReceivedMessages:
    """What a web hook has received; `status` is what it replies, after `delay_s`."""

    url: str = ""
    status: int = 200
    delay_s: float = 0.0
    bodies: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def alarm_ids(self, kind: str = "raised") -> list[str]:
        """The raisings in messages, each message once by its id, as a receiver counts them."""
        seen: dict[str, dict[str, Any]] = {}
        for message_id, body in zip(self.ids, self.bodies, strict=True):
            assert seen.setdefault(message_id, body) == body
        return [
            alarm["alarmId"]
            for body in seen.values()
            if body["kind"] == kind
            for alarm in body["alarms"]
        ]

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = request.headers
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        digest = hmac.digest(SECRET.encode(), signed, hashlib.sha256)
        if headers["webhook-signature"] != f"v1,{base64.b64encode(digest).decode()}":
            self.faults.append("signature")
        if self.status == 200:
            self.bodies.append(msgspec.json.decode(body))
            self.ids.append(headers["webhook-id"])
        await asyncio.sleep(self.delay_s)
        return web.Response(status=self.status)


@asynccontextmanager
async def receiving_webhook() -> AsyncIterator[ReceivedMessages]:
    """A web hook on a free port."""
    received = ReceivedMessages()
    app = web.Application()
    app.router.add_post("/hook", received.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    received.url = f"http://{host}:{port}/hook"
    try:
        yield received
    finally:
        await runner.cleanup()


@dataclass
class ReceivedMails:
    """The mails that a sink has received."""

    port: int = 0
    mails: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One SMTP session."""
        writer.write(b"220 sink\r\n")
        while line := await reader.readline():
            verb = line.split()[0].upper() if line.split() else b""
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                mail = await reader.readuntil(b"\r\n.\r\n")
                self.mails.append(mail.decode())
            writer.write(SMTP_REPLIES.get(verb, b"250 ok\r\n"))
            await writer.drain()
            if verb == b"QUIT":
                break
        writer.close()


@asynccontextmanager
async def receiving_mail() -> AsyncIterator[ReceivedMails]:
    """A sink of mail on a free port."""
    received = ReceivedMails()
    server = await asyncio.start_server(received.serve, "127.0.0.1", 0)
    received.port = server.sockets[0].getsockname()[1]
    async with server:
        yield received
