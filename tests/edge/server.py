"""A real edge on a free port, and a client that speaks to it in frames."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import aiohttp
import msgspec
from aiohttp import WSMsgType, web
from argon2 import PasswordHasher
from multidict import MultiMapping

from nova.edge.app import Edge
from nova.edge.cookie_names import DEVICE, CookieNames, cookie_names
from nova.edge.edge_config import EdgeConfig, EdgeLimits
from nova.edge.edge_stores import EdgeStores, open_stores
from nova.edge.login import first_admin
from nova.edge.login_throttle import LoginThrottle
from nova.edge.oidc_config import OidcConfig
from nova.edge.passwords import PasswordHashing
from nova.edge.session_reply import LoginReply
from nova.edge.tokens import load_key
from nova.edge.upstream import reader_client
from nova.edge.user_store import Role, UserStore
from nova.sdk.default_view import DefaultView
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import Auth, Authenticated, Error, Message, Ref, Reply
from nova.sdk.settings import proxy_networks

PASSWORD = "correct horse battery staple"
WAIT_S = 60.0
ReplyT = TypeVar("ReplyT", bound=Message)
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@dataclass(frozen=True)
class RunningEdge:
    """An edge that serves, with the parts that tests look into."""

    url: str
    config: EdgeConfig
    stores: EdgeStores
    http: aiohttp.ClientSession
    served: Edge

    @property
    def users(self) -> UserStore:
        """The users that the edge reads."""
        return self.stores.users

    @property
    def cookies(self) -> CookieNames:
        """The names of its cookies."""
        return cookie_names(load_key(self.config.folder))

    async def post_login(
        self,
        username: str = "admin",
        password: str = PASSWORD,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """Status, body and headers of a login."""
        body = msgspec.json.encode({"username": username, "password": password})
        async with self.http.post(f"{self.url}/auth/login", data=body, headers=headers) as reply:
            return reply.status, await reply.read(), reply.headers

    async def token(self, username: str = "admin") -> str:
        """A good token of a user, by default of the admin."""
        status, body, _ = await self.post_login(username)
        assert status == 200, body
        return msgspec.json.decode(body, type=LoginReply).token

    async def refresh(self, cookie: str) -> tuple[int, str, Mapping[str, str]]:
        """Status, access token and headers of a refresh with this refresh token."""
        headers = {"Cookie": f"{self.cookies.refresh}={cookie}"}
        jar = aiohttp.DummyCookieJar()
        async with (
            aiohttp.ClientSession(cookie_jar=jar) as http,
            http.post(f"{self.url}/auth/refresh", headers=headers) as reply,
        ):
            body = await reply.read()
            if reply.status != 200:
                return reply.status, "", reply.headers
            return 200, msgspec.json.decode(body, type=LoginReply).token, reply.headers

    def add_user(self, username: str, role: Role = "operator", **more: Any) -> None:
        """Add a user with PASSWORD."""
        admin = self.users.get("admin")
        assert admin is not None
        assert self.users.add(username, admin.password_hash, role, **more)

    @asynccontextmanager
    async def socket(self, headers: Mapping[str, str] | None = None) -> AsyncIterator[EdgeClient]:
        """A WebSocket to `/ws` that has not authenticated."""
        async with self.http.ws_connect(f"{self.url}/ws", headers=headers) as ws:
            yield EdgeClient(ws)

    @asynccontextmanager
    async def client(
        self, username: str = "admin", headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[EdgeClient]:
        """A WebSocket that is logged in."""
        token = await self.token(username)
        async with self.socket(headers) as client:
            await client.send(Auth(token=token))
            assert isinstance(await client.receive(), Authenticated)
            yield client

    @asynccontextmanager
    async def new_client(self, username: str) -> AsyncIterator[EdgeClient]:
        """A WebSocket of an operator who is added for it."""
        self.add_user(username)
        async with self.client(username) as client:
            yield client


def cookie_line(headers: Mapping[str, str], name: str = DEVICE) -> str:
    """The Set-Cookie line of a cookie of this name and a mark, by default of the one that
    identifies the browser.
    """
    assert isinstance(headers, MultiMapping)
    lines = [one for one in headers.getall("Set-Cookie") if one.startswith(f"{name}_")]
    return lines[0] if lines else ""


class EdgeClient:
    """One WebSocket to an edge."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse[Literal[True]]) -> None:
        self.ws = ws

    async def send(self, message: Message) -> None:
        """Send one message."""
        await self.send_text(messages.encode(message).decode())

    async def send_text(self, text: str) -> None:
        """Send one text frame as it is."""
        await self.ws.send_str(text)

    async def frame(self) -> bytes:
        """The next frame's bytes; fails if the connection ended instead."""
        message = await self.ws.receive(timeout=WAIT_S)
        assert message.type is WSMsgType.TEXT, (message, self.ws.close_code)
        text: str = message.data
        return text.encode()

    async def receive(self) -> Reply:
        """The next frame as a message."""
        return messages.decode_reply(await self.frame())

    async def request(self, message: Message, reply: type[ReplyT]) -> ReplyT:
        """Send a request and receive its reply, which is the next frame."""
        await self.send(message)
        received = await self.receive()
        assert isinstance(received, reply), received
        return received

    async def refusal(self, message: Message) -> str:
        """Send a request that is refused; the code of the error."""
        return (await self.request(message, Error)).code

    async def error(self) -> tuple[str, Ref]:
        """Code and ref of the next frame, which is an error."""
        reply = await self.receive()
        assert isinstance(reply, Error)
        return reply.code, reply.ref

    async def close_code(self) -> int | None:
        """The code with which the edge closes, once it does; frames before that are skipped."""
        async with asyncio.timeout(WAIT_S):
            while (await self.ws.receive()).type is WSMsgType.TEXT:
                pass
        return self.ws.close_code


def patient(limits: EdgeLimits) -> EdgeLimits:
    """The same, with time for a reader of the test's own process."""
    if limits.reader_reply_timeout_s != EdgeLimits().reader_reply_timeout_s:
        return limits
    return replace(limits, reader_reply_timeout_s=WAIT_S)


@asynccontextmanager
async def running_edge(
    folder: Path,
    reader_socket: Path,
    *,
    limits: EdgeLimits | None = None,
    static: Path | None = None,
    hasher: PasswordHasher | None = None,
    metrics_token: str | None = None,
    open_metrics: bool = False,
    allowed_hosts: tuple[str, ...] = (),
    cors_origins: tuple[str, ...] = (),
    trusted_proxies: tuple[str, ...] = (),
    clock: Callable[[], float] = time.time,
    default_view: DefaultView | None = None,
    oidc: OidcConfig | None = None,
) -> AsyncIterator[RunningEdge]:
    """An edge with an admin, which ends with the block; hashing is cheap unless asked otherwise.
    Unless `limits` say when, no reader is taken for one that hangs: a busy machine is slow.
    """
    config = EdgeConfig(
        data=folder,
        reader_socket=reader_socket,
        limits=patient(limits or EdgeLimits()),
        static=static or folder / "static",
        metrics_token=metrics_token,
        open_metrics=open_metrics,
        allowed_hosts=allowed_hosts,
        cors_origins=cors_origins,
        trusted_proxies=proxy_networks(trusted_proxies),
        default_view=default_view,
        oidc=oidc,
    )
    stores = open_stores(config.folder)
    passwords = PasswordHashing(config.limits, hasher or CHEAP)
    await first_admin(stores.users, passwords, PASSWORD)
    reader = reader_client(reader_socket)
    throttle = LoginThrottle(stores.logins, clock)
    served = Edge(config, stores, passwords, throttle, reader)
    runner = served.runner(1.0)
    try:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession() as http:
            yield RunningEdge(url, config, stores, http, served)
    finally:
        await runner.cleanup()
        await reader.close()
        passwords.close()
        for store in stores:
            store.close()
