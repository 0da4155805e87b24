"""`POST /auth/refresh`: the next access token for the cookie of the one before."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import Morsel, SimpleCookie
from pathlib import Path

from nova.edge.cookie_names import REFRESH
from nova.edge.edge_config import EdgeLimits
from nova.edge.session_reply import REFRESH_PATH
from nova.sdk.protocol.messages import Auth, Authenticated
from nova.sdk.request_limit import DEFAULT_LIMITS, RequestLimit
from tests.edge.peer import Peer
from tests.edge.plain_browser import plain_browser
from tests.edge.server import PASSWORD, RunningEdge, running_edge


def cookie(headers: Mapping[str, str]) -> Morsel[str]:
    """The refresh cookie that a reply sets."""
    assert hasattr(headers, "getall")
    jar: SimpleCookie = SimpleCookie()
    for line in headers.getall("Set-Cookie"):
        jar.load(line)
    return next(found for name, found in jar.items() if name.startswith(f"{REFRESH}_"))


async def logged_in(edge: RunningEdge) -> str:
    """The refresh token of a login."""
    status, _, headers = await edge.post_login()
    assert status == 200
    return cookie(headers).value


async def test_the_cookie_is_for_this_edge_and_its_own_path(edge: RunningEdge) -> None:
    """Scripts cannot read it, and other sites cannot make a browser send it."""
    _, _, headers = await edge.post_login()
    given = cookie(headers)
    assert given["httponly"] and given["samesite"] == "Strict" and given["path"] == REFRESH_PATH
    assert not given["secure"]  # It came over http, from this machine.


async def test_a_refresh_token_is_good_once(edge: RunningEdge) -> None:
    """The second use ends the session with all that it gave."""
    first = await logged_in(edge)
    status, token, headers = await edge.refresh(first)
    second = cookie(headers).value
    assert status == 200 and second != first
    async with edge.socket() as client:
        await client.request(Auth(token=token), Authenticated)
        status, _, headers = await edge.refresh(first)
        assert status == 401 and cookie(headers).value == ""
        assert await client.close_code() == 4401
    assert (await edge.refresh(second))[0] == 401


async def test_what_is_no_refresh_token_is_refused(edge: RunningEdge) -> None:
    """A browser without a cookie learns that it has no session, which is no failure."""
    token = await edge.token()
    edge.http.cookie_jar.clear()
    async with edge.http.post(f"{edge.url}/auth/refresh") as reply:
        assert reply.status == 204
    for wrong in ("", "x", token, "a" * 4_000):
        assert (await edge.refresh(wrong))[0] == 401


async def test_a_foreign_page_cannot_refresh(edge: RunningEdge) -> None:
    """Not even to end somebody's session."""
    refresh_token = await logged_in(edge)
    async with edge.http.post(
        f"{edge.url}/auth/refresh",
        headers={
            "Origin": "http://evil.example",
            "Cookie": f"{edge.cookies.refresh}={refresh_token}",
        },
    ) as reply:
        assert reply.status == 403
    assert (await edge.refresh(refresh_token))[0] == 200


async def test_two_nova_on_one_machine_do_not_log_each_other_out(
    edge: RunningEdge, tmp_path: Path, peer: Peer
) -> None:
    """Browsers send cookies to all ports of a host; a browser stays known to both as well."""
    async with (
        running_edge(tmp_path / "other", peer.socket) as other,
        plain_browser() as browser,
    ):
        for one in (edge, other, edge, other):
            body = {"username": "admin", "password": PASSWORD}
            async with browser.http.post(f"{one.url}/auth/login", json=body) as reply:
                assert reply.status == 200
        devices = {one.key: one.value for one in browser.http.cookie_jar if "device" in one.key}
        assert devices.keys() == {edge.cookies.device, other.cookies.device}
        for one in (edge, other, edge):
            async with browser.http.post(f"{one.url}/auth/refresh") as reply:
                assert reply.status == 200
        for session in edge.stores.sessions.of_user("admin"):
            edge.stores.sessions.end("admin", session.id)
        async with browser.http.post(f"{edge.url}/auth/refresh") as reply:
            assert reply.status == 401
        async with browser.http.post(f"{other.url}/auth/refresh") as reply:
            assert reply.status == 200


async def test_a_connection_goes_on_with_the_next_token(tmp_path: Path, peer: Peer) -> None:
    """It outlives the first token; without the next one it ends."""
    limits = EdgeLimits(token_lifetime_s=2, access_check_s=0.05)
    async with running_edge(tmp_path, peer.socket, limits=limits) as edge:
        refresh_token = await logged_in(edge)
        _, token, headers = await edge.refresh(refresh_token)
        async with edge.socket() as client:
            first = await client.request(Auth(token=token), Authenticated)
            for _ in range(3):
                _, token, headers = await edge.refresh(cookie(headers).value)
                last = await client.request(Auth(token=token), Authenticated)
            assert first.expires_at is not None and last.expires_at is not None
            assert last.expires_at >= first.expires_at
            assert await client.close_code() == 4401


async def test_a_connection_is_of_one_session(edge: RunningEdge) -> None:
    """A token of another user or session does not change whose it is."""
    edge.add_user("ann")
    async with edge.client("ann") as client:
        for token in (await edge.token("ann"), await edge.token()):
            assert await client.refusal(Auth(token=token)) == "forbidden"
        await client.send(Auth(token="x"))
        assert (await client.error())[0] == "unauthorized"
        assert await client.close_code() == 4401


async def test_a_session_has_its_own_limit_and_keeps_its_token(tmp_path: Path, peer: Peer) -> None:
    """Who hammers with a stolen cookie costs other sessions nothing, not even those of the same
    user or address, and no write: the refused token is still good, and its reuse still noticed.
    """
    limits = EdgeLimits(requests={**DEFAULT_LIMITS, "refresh": RequestLimit(3, 600.0)})
    async with running_edge(tmp_path, peer.socket, limits=limits) as edge:
        first, other = await logged_in(edge), await logged_in(edge)
        newest, spent = first, []
        for _ in range(3):
            spent.append(newest)
            status, _, headers = await edge.refresh(newest)
            assert status == 200
            newest = cookie(headers).value
        sizes = {path.name: path.stat().st_size for path in edge.config.folder.glob("users.db*")}
        for _ in range(20):
            status, _, headers = await edge.refresh(newest)
            assert status == 429 and 0 < int(headers["Retry-After"]) <= 601
            assert "Set-Cookie" not in headers
            assert (await edge.refresh("x" * 43))[0] == 401
        assert sizes == {name: (edge.config.folder / name).stat().st_size for name in sizes}
        assert (await edge.refresh(other))[0] == 200
        assert (await edge.refresh(spent[0]))[0] == 401
        assert (await edge.refresh(newest))[0] == 401  # The reuse has ended the session.


async def test_renewals_over_a_connection_count_too(tmp_path: Path, peer: Peer) -> None:
    """Of its session, or of its key."""
    limits = EdgeLimits(requests={**DEFAULT_LIMITS, "refresh": RequestLimit(2, 600.0)})
    async with running_edge(tmp_path, peer.socket, limits=limits) as edge:
        secret = edge.stores.keys.add("probe", "viewer", "admin") or ""
        for token in (await edge.token(), await edge.token(), secret):
            async with edge.socket() as client:
                for _ in range(3):
                    await client.request(Auth(token=token), Authenticated)
                assert await client.refusal(Auth(token=token)) == "rateLimited"
