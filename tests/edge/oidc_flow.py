"""A login with a made provider, and what a test sees of it."""

from __future__ import annotations

from typing import Any

from tests.edge.made_provider import MadeProvider
from tests.edge.plain_browser import BrowserReply, PlainBrowser
from tests.edge.server import RunningEdge


async def log_in(edge: RunningEdge, provider: MadeProvider, browser: PlainBrowser) -> BrowserReply:
    """A whole login; what its end leads to."""
    start = await browser.open(f"{edge.url}/auth/oidc")
    assert start.status == 303, start
    return await browser.open(provider.authorize(start.location))


def reason(seen: BrowserReply) -> str:
    """The reason that a failed login hands to the login form."""
    return seen.text.partition("loginError=")[2].partition('"')[0]


def entries(edge: RunningEdge, kind: str = "UserLogin") -> list[dict[str, Any]]:
    """What is queued for audit."""
    return [one.entry.details for one in edge.stores.audit.first() if one.entry.kind == kind]
