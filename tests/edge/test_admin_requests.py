"""Administration over the WebSocket: users, their sessions and API keys."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from nova.sdk import timestamps
from nova.sdk.protocol.account import AccountChanged, SessionsResponse
from nova.sdk.protocol.admin import (
    AddKey,
    AddUser,
    ChangeUser,
    DeleteUser,
    EndUserSession,
    KeyChanged,
    KeysResponse,
    ListKeys,
    ListLimits,
    ListUsers,
    ListUserSessions,
    ReleaseAccount,
    ResetPassword,
    RevokeKey,
    UserChanged,
    UsersResponse,
)
from nova.sdk.protocol.messages import Auth, Authenticated, Message, Status
from tests.edge.server import PASSWORD, RunningEdge

REQUESTS: Sequence[Message] = (
    ListUsers(),
    AddUser(username="bob", role="viewer"),
    ChangeUser(username="admin", role="viewer"),
    ResetPassword(username="admin"),
    DeleteUser(username="admin"),
    ListUserSessions(username="admin"),
    EndUserSession(username="admin", session="x"),
    ListKeys(),
    AddKey(name="probe", role="admin"),
    RevokeKey(name="probe"),
    ListLimits(),
    ReleaseAccount(username="admin"),
)


async def test_a_user_is_added_logs_in_and_is_changed(edge: RunningEdge) -> None:
    """With a generated password, which is shown once and has to be changed."""
    async with edge.client() as admin:
        added = await admin.request(
            AddUser(username="ann", role="viewer", scopes=["sat1"]), UserChanged
        )
        assert added.user is not None and added.password is not None
        assert added.user.must_change_password and added.user.scopes == ["sat1"]
        assert (await edge.post_login("ann", added.password))[0] == 200
        changed = await admin.request(ChangeUser(username="ann", role="operator"), UserChanged)
        assert changed.user is not None and changed.password is None
        assert (changed.user.role, changed.user.scopes) == ("operator", ["sat1"])
        changed = await admin.request(ChangeUser(username="ann", scopes=None), UserChanged)
        assert changed.user is not None and changed.user.scopes is None
        assert changed.user.role == "operator" and changed.user.last_login is not None
        await admin.request(ChangeUser(username="ann", enabled=False), UserChanged)
        assert (await edge.post_login("ann", added.password))[0] == 401
        listed = await admin.request(ListUsers(), UsersResponse)
        assert [(one.username, one.enabled) for one in listed.users] == [
            ("admin", True),
            ("ann", False),
        ]
        await admin.request(DeleteUser(username="ann"), UserChanged)
        listed = await admin.request(ListUsers(), UsersResponse)
        assert [one.username for one in listed.users] == ["admin"]


async def test_a_reset_password_ends_sessions_and_has_to_be_changed(edge: RunningEdge) -> None:
    edge.add_user("ann")
    async with edge.client() as admin, edge.client("ann") as ann:
        reset = await admin.request(ResetPassword(username="ann"), UserChanged)
        assert reset.password is not None
        assert await ann.close_code() == 4401
    assert (await edge.post_login("ann", PASSWORD))[0] == 401
    assert (await edge.post_login("ann", reset.password))[0] == 200


async def test_the_own_password_is_changed_with_the_current_one_only(edge: RunningEdge) -> None:
    """Whoever finds an admin's page open cannot take the account over."""
    async with edge.client() as admin:
        assert await admin.refusal(ResetPassword(username="admin")) == "forbidden"
    assert (await edge.post_login())[0] == 200


@pytest.mark.parametrize("role", ["viewer", "operator"])
@pytest.mark.parametrize("message", REQUESTS, ids=lambda one: type(one).__name__)
async def test_only_admins_administrate(edge: RunningEdge, role: str, message: Message) -> None:
    """Whoever else asks is refused, and nothing happens."""
    edge.add_user("ann", "viewer" if role == "viewer" else "operator")
    before = edge.users.list_users()
    async with edge.client("ann") as client:
        before = edge.users.list_users()
        assert await client.refusal(message) == "forbidden"
    assert edge.users.list_users() == before and not edge.stores.keys.list_keys()


@pytest.mark.parametrize("message", REQUESTS, ids=lambda one: type(one).__name__)
async def test_a_limited_admin_administrates_nothing(edge: RunningEdge, message: Message) -> None:
    """Neither a user limited to scopes nor a key limited to lanes could be kept from giving itself
    more otherwise.
    """
    edge.add_user("ann", "admin", scopes=["sat"])
    key = edge.stores.keys.add("limited", "admin", "admin", lanes=["ui"])
    assert key is not None
    before = edge.users.list_users(), edge.stores.keys.list_keys()
    for token in (await edge.token("ann"), key):
        async with edge.socket() as client:
            await client.request(Auth(token=token), Authenticated)
            assert await client.refusal(message) == "forbidden"
    users, keys = edge.users.list_users(), edge.stores.keys.list_keys()
    assert [one.scopes for one in users] == [one.scopes for one in before[0]]
    assert [one.name for one in keys] == ["limited"]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (AddUser(username="admin", role="viewer"), "nameTaken"),
        (AddUser(username="probe", role="viewer"), "nameTaken"),
        (AddUser(username="unknown", role="viewer"), "nameTaken"),
        (AddKey(name="nova", role="viewer"), "nameTaken"),
        (AddUser(username="bob", role="viewer", password="short"), "passwordRefused"),
        (ChangeUser(username="admin", role="viewer"), "lastAdmin"),
        (ChangeUser(username="admin", enabled=False), "lastAdmin"),
        (DeleteUser(username="admin"), "lastAdmin"),
        (ChangeUser(username="bob", role="viewer"), "notFound"),
        (ResetPassword(username="bob"), "notFound"),
        (DeleteUser(username="bob"), "notFound"),
        (ListUserSessions(username="bob"), "notFound"),
        (EndUserSession(username="admin", session="x"), "notFound"),
        (RevokeKey(name="bob"), "notFound"),
        (ReleaseAccount(username="bob"), "notFound"),
        (AddKey(name="admin", role="viewer"), "nameTaken"),
        (AddKey(name="probe", role="viewer"), "nameTaken"),
        (AddKey(name="late", role="viewer", expires_at="2001-01-01T00:00:00Z"), "badTime"),
        (AddKey(name="late", role="viewer", expires_at="soon"), "badTime"),
        (AddUser(username="a b", role="viewer"), "badRequest"),
        (ChangeUser(username="admin", scopes=[]), "badRequest"),
    ],
    ids=lambda one: one if isinstance(one, str) else type(one).__name__,
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    edge: RunningEdge, message: Message, code: str
) -> None:
    edge.stores.keys.add("probe", "viewer", "admin")
    async with edge.client() as admin:
        before = edge.users.list_users(), edge.stores.keys.list_keys()
        assert await admin.refusal(message) == code
        assert (edge.users.list_users(), edge.stores.keys.list_keys()) == before


async def test_sessions_of_others_are_listed_and_ended(edge: RunningEdge) -> None:
    edge.add_user("ann")
    async with edge.client() as admin, edge.client("ann") as ann:
        listed = await admin.request(ListUserSessions(username="ann"), SessionsResponse)
        (session,) = listed.sessions
        assert not session.is_own
        await admin.request(EndUserSession(username="ann", session=session.session), AccountChanged)
        assert await ann.close_code() == 4401


async def test_a_key_is_made_used_and_revoked(edge: RunningEdge) -> None:
    """Its connections are closed within a second."""
    async with edge.client() as admin:
        soon = timestamps.text(timestamps.now() + 3_600 * timestamps.NS_PER_SECOND)
        made = await admin.request(
            AddKey(name="probe", role="operator", lanes=["ui"], expires_at=soon), KeyChanged
        )
        assert made.key is not None and made.secret is not None
        assert (made.key.created_by, made.key.lanes) == ("admin", ["ui"])
        async with edge.socket() as program:
            welcome = await program.request(Auth(token=made.secret), Authenticated)
            assert (welcome.user, welcome.role) == ("probe", "operator")
            assert welcome.expires_at is not None
            listed = await admin.request(ListKeys(), KeysResponse)
            assert [key.name for key in listed.keys] == ["probe"]
            assert listed.keys[0].last_used is not None
            await admin.request(RevokeKey(name="probe"), KeyChanged)
            assert await program.close_code() == 4401
        async with edge.socket() as program:
            assert await program.refusal(Auth(token=made.secret)) == "unauthorized"


async def test_a_demoted_admin_administrates_no_more(edge: RunningEdge) -> None:
    """The connection that was open ends, and a new one is refused."""
    edge.add_user("root", "admin")
    async with edge.client() as admin, edge.client("root") as root:
        await admin.request(ChangeUser(username="root", role="operator"), UserChanged)
        assert await root.close_code() == 4401
    async with edge.client("root") as root:
        assert await root.refusal(ListUsers()) == "forbidden"
        await root.send(Status())
