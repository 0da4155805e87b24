"""A browser without pages: cookies by path, and redirects that the test follows itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiohttp


class BrowserReply(NamedTuple):
    """What came back: the status, where it leads, and the page."""

    status: int
    location: str
    text: str


class PlainBrowser:
    """One browser, or one profile of it."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.http = http

    async def open(self, url: str) -> BrowserReply:
        """Open an address; a redirect is not followed."""
        async with self.http.get(url, allow_redirects=False) as reply:
            return BrowserReply(reply.status, reply.headers.get("Location", ""), await reply.text())

    def cookie(self, name: str) -> str:
        """The value of a cookie with this name and the archive's mark, empty if there is none."""
        return next((one.value for one in self.http.cookie_jar if _is_named(one.key, name)), "")

    def full_name(self, name: str) -> str:
        """The name of such a cookie with the mark."""
        return next(one.key for one in self.http.cookie_jar if _is_named(one.key, name))


def _is_named(key: str, name: str) -> bool:
    return key.startswith(f"{name}_")


@asynccontextmanager
async def plain_browser() -> AsyncIterator[PlainBrowser]:
    """A browser with no cookies yet."""
    jar = aiohttp.CookieJar(unsafe=True)  # Also for addresses, which the tests' edges have.
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        yield PlainBrowser(http)
