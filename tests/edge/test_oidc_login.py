"""Login with an OpenID Connect provider: from one page of an edge back to it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from nova.edge.cookie_names import OIDC, REFRESH
from nova.edge.edge_config import EdgeLimits
from nova.edge.oidc_login import is_own_page
from nova.sdk.request_limit import DEFAULT_LIMITS, RequestLimit
from tests.edge.made_provider import MadeProvider, config_of
from tests.edge.oidc_flow import entries, log_in, reason
from tests.edge.plain_browser import PlainBrowser, plain_browser
from tests.edge.server import RunningEdge, running_edge


async def test_a_user_logs_in_and_gets_a_session(
    oidc_edge: RunningEdge, provider: MadeProvider, browser: PlainBrowser
) -> None:
    """The user is added with the role of the claim; the browser has a session and no more."""
    end = await log_in(oidc_edge, provider, browser)
    assert (end.status, end.location) == (303, "/")
    assert browser.cookie(OIDC) == ""
    status, token, _ = await oidc_edge.refresh(browser.cookie(REFRESH))
    assert (status, token.count(".")) == (200, 2)
    user = oidc_edge.users.get("ann")
    assert user is not None
    assert (user.role, user.scopes, user.origin, user.must_change) == (
        "operator",
        None,
        "oidc",
        False,
    )
    assert user.last_login is not None
    (entry,) = entries(oidc_edge)
    assert (entry["outcome"], entry["address"]) == ("success", "127.0.0.1")
    (added,) = entries(oidc_edge, "AdminAction")
    assert (added["action"], added["target"]) == ("addUser", "ann")


async def test_a_login_ends_in_the_browser_that_began_it_once(
    oidc_edge: RunningEdge, provider: MadeProvider, browser: PlainBrowser
) -> None:
    """Another browser, another state and a second use are refused, and recorded without a name."""
    start = await browser.open(f"{oidc_edge.url}/auth/oidc")
    back = provider.authorize(start.location)
    async with plain_browser() as other:
        assert reason(await other.open(back)) == "unknownLogin"
        assert other.cookie(REFRESH) == ""
    state = parse_qs(urlsplit(back).query)["state"][0]
    assert reason(await browser.open(back.replace(state, state[::-1]))) == "unknownLogin"
    await browser.open(f"{oidc_edge.url}/auth/oidc")  # The wrong state has ended the first one.
    start = await browser.open(f"{oidc_edge.url}/auth/oidc")
    back = provider.authorize(start.location)
    name, cookie = browser.full_name(OIDC), browser.cookie(OIDC)
    assert (await browser.open(back)).status == 303
    browser.http.cookie_jar.update_cookies({name: cookie})
    replayed = await browser.open(back)
    assert (replayed.status, reason(replayed)) == (400, "unknownLogin")
    failures = [one for one in entries(oidc_edge) if one["outcome"] == "failure"]
    assert [one["reason"] for one in failures] == ["unknownLogin"] * 3
    assert not any("user" in one for one in failures)


async def test_the_end_of_a_login_is_a_page_of_this_edge(
    oidc_edge: RunningEdge, provider: MadeProvider, browser: PlainBrowser
) -> None:
    """The page that asked, with its fragment."""
    start = await browser.open(f"{oidc_edge.url}/auth/oidc?next=/admin%23audit")
    end = await browser.open(provider.authorize(start.location))
    assert end.location == "/admin#audit"
    away = await browser.open(f"{oidc_edge.url}/auth/oidc?next=//example.org/")
    assert away.status == 400


@pytest.mark.parametrize(
    ("path", "is_own"),
    [
        ("/", True),
        ("/?a=b#t=1", True),
        ("/admin#users", True),
        ("", False),
        ("//example.org", False),
        ("///example.org", False),
        ("/\\example.org", False),
        ("\\\\example.org", False),
        ("https://example.org/", False),
        ("https:/", False),
        ("javascript:alert(1)", False),
        ("/auth/oidc", False),
        ("/\t/example.org", False),
        ("/\r\nSet-Cookie: a=b", False),
        ("/#" + "x" * 2_000, False),
        ("//[", False),
    ],
)
def test_only_own_pages_are_gone_to(path: str, is_own: bool) -> None:
    assert is_own_page(path) == is_own


async def test_logins_are_limited_by_address(
    tmp_path: Path, reader_socket: Path, provider: MadeProvider, browser: PlainBrowser
) -> None:
    """Starts and ends count; nothing is asked of the provider beyond it."""
    limits = EdgeLimits(requests={**DEFAULT_LIMITS, "oidc": RequestLimit(2, 600)})
    config = config_of(provider.issuer)
    async with running_edge(tmp_path, reader_socket, oidc=config, limits=limits) as edge:
        assert (await log_in(edge, provider, browser)).status == 303
        asked = len(provider.requests)
        for path in ("/auth/oidc", "/auth/oidc/callback"):
            refused = await browser.open(edge.url + path)
            assert (refused.status, reason(refused)) == (429, "tooManyLogins")
        assert len(provider.requests) == asked
        assert (await edge.post_login())[0] == 200


async def test_the_login_page_learns_of_the_provider(
    oidc_edge: RunningEdge, edge: RunningEdge, browser: PlainBrowser
) -> None:
    """Without one there is nothing to learn, and no route."""
    methods = await browser.open(f"{oidc_edge.url}/auth/methods")
    assert methods.status == 200
    assert '"name":"Test & Co","path":"/auth/oidc"' in methods.text
    assert (await browser.open(f"{edge.url}/auth/methods")).status == 204
    assert (await browser.open(f"{edge.url}/auth/oidc")).status == 404
