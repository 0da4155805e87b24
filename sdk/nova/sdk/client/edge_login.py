"""A login at an edge. Access tokens last minutes, so a client that stays renews its own."""

from __future__ import annotations

from typing import Self

import aiohttp
import msgspec

from nova.sdk.client.http_refusal import refusal_of
from nova.sdk.errors import ConnectionLostError, ProtocolError
from nova.sdk.protocol.error_codes import error_of

REQUEST_TIMEOUT_S = 30.0
CHANGE_FIRST = "this password was set by somebody else: log in with a browser and change it"


class _LoginReply(msgspec.Struct, rename="camel"):
    token: str
    expires_in_s: float
    must_change_password: bool = False


class EdgeLogin:
    """One session of a user at an edge: the newest access token, and the means to renew it."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        # Cookies of an edge at an IP address count too; no other server is asked.
        self._http = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S),
        )
        self.token = ""
        self.lifetime_s = 0.0
        """Seconds that the access token is good for from when it was received."""

    @classmethod
    async def open(cls, url: str, username: str, password: str) -> Self:
        """Log in; raises ProtocolError if the edge refuses, ConnectionLostError if it is away."""
        login = cls(url)
        try:
            await login._post("/auth/login", {"username": username, "password": password})
        except BaseException:
            await login.close()
            raise
        return login

    async def renew(self) -> None:
        """Replace the access token by the next; raises ProtocolError if the session has ended."""
        await self._post("/auth/refresh", {})

    async def close(self) -> None:
        await self._http.close()

    async def _post(self, path: str, body: dict[str, str]) -> None:
        try:
            async with self._http.post(f"{self._url}{path}", json=body) as response:
                status, answer = response.status, await response.read()
                refusal = None if status in (200, 204) else await refusal_of(response)
        except (OSError, aiohttp.ClientError, TimeoutError) as error:
            raise ConnectionLostError(f"no NOVA answers at {self._url} ({error})") from error
        if refusal is not None:
            raise refusal
        try:
            reply = msgspec.json.decode(answer, type=_LoginReply)
        except msgspec.DecodeError:
            raise ProtocolError("login", f"{self._url} is no NOVA: it answered {status}") from None
        if reply.must_change_password:
            raise error_of("passwordChangeRequired", CHANGE_FIRST)
        self.token, self.lifetime_s = reply.token, reply.expires_in_s
