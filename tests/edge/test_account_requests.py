"""A user's own account over the WebSocket: password, sessions, logout."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.edge.edge_config import EdgeLimits
from nova.edge.password_policy import PASSWORD_MIN_CHARS
from nova.sdk.protocol.account import (
    AccountChanged,
    ChangePassword,
    EndSession,
    ListSessions,
    Logout,
    SessionsResponse,
)
from nova.sdk.protocol.admin import (
    AddKey,
    KeyChanged,
    KeysResponse,
    ListKeys,
    ListUsers,
    ListUserSessions,
    UsersResponse,
)
from nova.sdk.protocol.messages import Auth, Authenticated, Status, StatusResponse
from tests.edge.peer import Peer
from tests.edge.server import PASSWORD, RunningEdge, running_edge

NEW = "another good password"


async def test_a_new_password_ends_all_sessions(edge: RunningEdge) -> None:
    """This one too, after its reply; the old password opens nothing any more."""
    async with edge.client() as other, edge.client() as client:
        await client.request(ChangePassword(password=PASSWORD, new_password=NEW), AccountChanged)
        assert await client.close_code() == 4401
        assert await other.close_code() == 4401
    assert (await edge.post_login(password=PASSWORD))[0] == 401
    assert (await edge.post_login(password=NEW))[0] == 200


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("wrong", NEW, "forbidden"),
        (PASSWORD, "x" * (PASSWORD_MIN_CHARS - 1), "passwordRefused"),
        (PASSWORD, "qwerty123456", "passwordRefused"),
        (PASSWORD, PASSWORD, "passwordRefused"),
    ],
)
async def test_what_is_refused_changes_nothing(
    edge: RunningEdge, old: str, new: str, code: str
) -> None:
    async with edge.client() as client:
        assert await client.refusal(ChangePassword(password=old, new_password=new)) == code
        await client.request(ListSessions(), SessionsResponse)
    assert (await edge.post_login())[0] == 200


async def test_guesses_of_the_old_password_count_as_failed_logins(edge: RunningEdge) -> None:
    """A stolen access token is no way around the limit."""
    async with edge.client() as client:
        guess = ChangePassword(password="wrong", new_password=NEW)
        codes = [await client.refusal(guess) for _ in range(25)]
        assert "rateLimited" in codes and codes.count("forbidden") <= 20
        listed = await client.request(ListSessions(), SessionsResponse)
    recorded = [one.entry for one in edge.stores.audit.first()]
    failures = [one for one in recorded if one.details.get("outcome") == "failure"]
    assert len(failures) == codes.count("forbidden")
    assert failures[0].kind == "UserLogin" and failures[0].principal == "unknown"
    details = {name: failures[0].details[name] for name in ("user", "session")}
    assert details == {"user": "admin", "session": listed.sessions[0].session}


async def test_a_password_set_by_somebody_else_is_changed_first(edge: RunningEdge) -> None:
    """Nothing else is answered until then."""
    edge.add_user("ann", must_change=True)
    token = await edge.token("ann")
    async with edge.socket() as client:
        welcome = await client.request(Auth(token=token), Authenticated)
        assert welcome.must_change_password
        for refused in (Status(), ListSessions()):
            assert await client.refusal(refused) == "passwordChangeRequired"
        change = ChangePassword(password=PASSWORD, new_password=NEW)
        await client.request(change, AccountChanged)
    async with edge.http.get(
        f"{edge.url}/exports/{'a' * 43}", headers={"Authorization": f"Bearer {token}"}
    ) as reply:
        assert reply.status == 401
    ann = edge.users.get("ann")
    assert ann is not None and not ann.must_change


async def test_logout_ends_the_session_and_no_other(edge: RunningEdge) -> None:
    """Its token is worth nothing afterwards."""
    token = await edge.token()
    async with edge.client() as other, edge.socket() as client:
        await client.request(Auth(token=token), Authenticated)
        await client.request(Logout(), AccountChanged)
        assert await client.close_code() == 4401
        left = await other.request(ListSessions(), SessionsResponse)
        assert [one.is_own for one in left.sessions] == [True]
    async with edge.socket() as client:
        assert await client.refusal(Auth(token=token)) == "unauthorized"


async def test_sessions_are_listed_and_ended(edge: RunningEdge) -> None:
    """Those of this user only."""
    edge.add_user("ann")
    async with edge.client("ann") as ann, edge.client() as first, edge.client() as second:
        listed = (await second.request(ListSessions(), SessionsResponse)).sessions
        assert len(listed) == 2 and sum(one.is_own for one in listed) == 1
        assert all(one.address == "127.0.0.1" and one.started for one in listed)
        (other,) = (one for one in listed if not one.is_own)
        assert await ann.refusal(EndSession(session=other.session)) == "notFound"
        await second.request(EndSession(session=other.session), AccountChanged)
        assert await first.close_code() == 4401
        assert await second.refusal(EndSession(session=other.session)) == "notFound"


async def test_a_key_has_no_account(edge: RunningEdge) -> None:
    secret = edge.stores.keys.add("probe", "admin", "admin")
    assert secret is not None
    async with edge.socket() as client:
        welcome = await client.request(Auth(token=secret), Authenticated)
        assert (welcome.user, welcome.role, welcome.expires_at) == ("probe", "admin", None)
        for refused in (ListSessions(), Logout(), EndSession(session="x")):
            assert await client.refusal(refused) == "forbidden"


async def test_what_only_reads_leaves_the_cached_access(tmp_path: Path, peer: Peer) -> None:
    """Nobody's rights are read again for a list; after a change everybody's are."""
    limits = EdgeLimits(access_cache_s=3_600, access_check_s=3_600, users_poll_s=3_600)
    async with (
        running_edge(tmp_path, peer.socket, limits=limits) as edge,
        edge.new_client("ann") as ann,
        edge.client() as admin,
    ):
        edge.users.set_enabled("ann", False)  # As another edge does; this one has yet to look.
        await admin.request(ListUsers(), UsersResponse)
        await admin.request(ListKeys(), KeysResponse)
        await admin.request(ListSessions(), SessionsResponse)
        await admin.request(ListUserSessions(username="admin"), SessionsResponse)
        await ann.request(Status(), StatusResponse)
        await admin.request(AddKey(name="probe", role="viewer"), KeyChanged)
        await ann.send(Status())
        assert await ann.close_code() == 4401
