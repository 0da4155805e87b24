"""Bounded HTTP requests to an OpenID Connect provider: no redirects, small replies, a deadline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import aiohttp
import msgspec

from nova.edge.oidc_error import OidcError

REPLY_MAX_BYTES = 256 * 1024
CONNECTIONS_MAX = 8
SERVER_ERRORS = range(500, 600)
TOO_MANY_REQUESTS = 429

_ReplyT = TypeVar("_ReplyT")


class ProviderHttp:
    """The client of one provider."""

    def __init__(self, timeout_s: float, reply_max_bytes: int = REPLY_MAX_BYTES) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._reply_max_bytes = reply_max_bytes
        self._opened: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.close()

    async def get(
        self, url: str, kind: type[_ReplyT], headers: Mapping[str, str] | None = None
    ) -> _ReplyT:
        """The JSON at a URL; raises OidcError."""
        return await self._request("GET", url, kind, headers, None)

    async def post(
        self, url: str, kind: type[_ReplyT], headers: Mapping[str, str], form: Mapping[str, str]
    ) -> _ReplyT:
        """The JSON in reply to a form; raises OidcError."""
        return await self._request("POST", url, kind, headers, form)

    async def _request(
        self,
        method: str,
        url: str,
        kind: type[_ReplyT],
        headers: Mapping[str, str] | None,
        form: Mapping[str, str] | None,
    ) -> _ReplyT:
        try:
            async with self._session().request(
                method, url, headers=headers, data=form, allow_redirects=False
            ) as reply:
                body = await self._body(reply)
                status = reply.status
        except TimeoutError:
            raise OidcError("providerAway", f"{url} did not answer in time") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise OidcError("providerAway", f"{url}: {type(error).__name__}: {error}") from None
        if status in SERVER_ERRORS or status == TOO_MANY_REQUESTS:
            raise OidcError("providerAway", f"{url} answered {status}")
        if status != 200:
            raise OidcError("providerWrong", f"{url} answered {status}{_error_code(body)}")
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise OidcError("providerWrong", f"{url}: {error}") from None

    def _session(self) -> aiohttp.ClientSession:
        """The connections, opened in the event loop of the first request."""
        if self._opened is None:
            self._opened = aiohttp.ClientSession(
                timeout=self._timeout,
                connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                auto_decompress=False,  # A small reply could become a large one.
            )
        return self._opened

    async def _body(self, reply: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for part in reply.content.iter_any():
            body += part
            if len(body) > self._reply_max_bytes:
                raise OidcError(
                    "providerWrong", f"{reply.url} answered more than {self._reply_max_bytes} bytes"
                )
        return bytes(body)


class _ErrorReply(msgspec.Struct):
    error: str


def _error_code(body: bytes) -> str:
    """The OAuth error code of a reply, such as invalid_client; empty if there is none."""
    try:
        found = msgspec.json.decode(body, type=_ErrorReply).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return f": {found[:64]!r}"
