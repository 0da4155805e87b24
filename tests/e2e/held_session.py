"""A session that pages begin with: a login takes a quarter of a second of a processor, which only
tests of logging in should need.
"""

from __future__ import annotations

import os
import time
from typing import Literal, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import msgspec
from playwright.sync_api import BrowserContext, Page

from nova.testkit.browser import BROWSER_VARIABLE
from nova.testkit.running_nova import PASSWORD

IS_NAMED = BROWSER_VARIABLE in os.environ
"""Whether somebody has named the browser, as `make test-slow` does: then nothing is spared."""

MOTION: Literal["reduce", "no-preference"] = "no-preference" if IS_NAMED else "reduce"
"""Animations take a fifth of the time of a LIVE page."""

MS_PER_SECOND = 1_000
HOLD = """([origin, login]) => {
  if (location.origin !== origin || sessionStorage.getItem("seeded") !== null) return;
  sessionStorage.setItem("seeded", "yes");
  sessionStorage.setItem("nova.session", login);
}"""
"""Once in a tab: whoever logs out stays logged out."""


class HeldLogin(NamedTuple):
    """A login as the page keeps it, and until when (s since 1970) pages may begin with it."""

    text: str
    token: str
    good_until_s: float


held: dict[str, HeldLogin] = {}
"""The admin's login at each NOVA of this process, by its address."""


def hold_session(browser: BrowserContext | Page, url: str) -> None:
    """Let new pages of a NOVA be the admin's, as a tab is that was logged in before."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    if not _is_valid(origin):
        held[origin] = _login(origin)
    given = msgspec.json.encode([origin, held[origin].text]).decode()
    browser.add_init_script(f"({HOLD})({given})")


def _is_valid(origin: str) -> bool:
    """Whether there is a login: for long enough, and not of an instance that had this port."""
    login = held.get(origin)
    if login is None or time.time() > login.good_until_s:
        return False
    headers = {"Authorization": f"Bearer {login.token}"}
    try:
        with urlopen(Request(f"{origin}/api/streams", headers=headers)):
            return True
    except HTTPError as refusal:
        with refusal:
            return False


def _login(origin: str) -> HeldLogin:
    body = msgspec.json.encode({"username": "admin", "password": PASSWORD})
    with urlopen(f"{origin}/auth/login", body) as reply:
        login = msgspec.json.decode(reply.read())
    now_s, lifetime_s = time.time(), login["expiresInS"]
    # Without the cookie of a login no page can renew it, and each ends before it would have to.
    text = msgspec.json.encode(login | {"renewAt": (now_s + lifetime_s) * MS_PER_SECOND}).decode()
    return HeldLogin(text, login["token"], now_s + lifetime_s / 2)
