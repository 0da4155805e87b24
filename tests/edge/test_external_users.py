"""Users who log in elsewhere: who they are, what they may do, and that they have no password."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nova.edge.cookie_names import REFRESH
from nova.edge.user_store import NO_PASSWORD
from nova.sdk.protocol.account import ChangePassword
from nova.sdk.protocol.admin import ListUsers, ResetPassword, UsersResponse
from nova.sdk.protocol.messages import Auth, Authenticated, Error
from tests.edge.made_provider import MadeProvider, config_of
from tests.edge.oidc_flow import entries, log_in, reason
from tests.edge.plain_browser import PlainBrowser
from tests.edge.server import RunningEdge, running_edge

NOT_ADMITTED: list[tuple[dict[str, Any], str]] = [
    ({"groups": ["others"]}, "noRole"),
    ({"groups": None}, "noRole"),
    ({"groups": {"nova-admins": True}}, "noRole"),
    ({"preferred_username": "ann@example.org"}, "usernameRefused"),
    ({"preferred_username": None}, "usernameRefused"),
    ({"preferred_username": "admin"}, "nameTaken"),
]


async def test_whoever_cannot_be_a_user_is_refused_with_the_reason(
    oidc_edge: RunningEdge, provider: MadeProvider, browser: PlainBrowser
) -> None:
    """A local user of the same name stays as it was."""
    before = oidc_edge.users.list_users()
    provider.userinfo = {"sub": provider.user["sub"]}
    for claims, refusal in NOT_ADMITTED:
        provider.claims = claims
        end = await log_in(oidc_edge, provider, browser)
        assert (end.status, reason(end)) == (403, refusal), claims
        assert "Test &amp; Co" in end.text
        named = "admin" if refusal == "nameTaken" else None
        assert entries(oidc_edge)[-1].get("user") == named
    assert oidc_edge.users.list_users() == before


async def test_role_and_scopes_follow_the_claims_at_each_login(
    tmp_path: Path, reader_socket: Path, provider: MadeProvider, browser: PlainBrowser
) -> None:
    """Sessions end only if something changed. The highest of several roles counts."""
    config = config_of(provider.issuer, scope_claim="realm.scopes")
    async with running_edge(tmp_path, reader_socket, oidc=config) as edge:
        provider.user |= {"realm": {"scopes": ["sat1", "sat2", "no id"]}}
        await log_in(edge, provider, browser)
        first = edge.users.get("ann")
        assert first is not None and first.scopes == ("sat1", "sat2")
        await log_in(edge, provider, browser)
        again = edge.users.get("ann")
        assert again is not None and again.version == first.version
        assert len(edge.stores.sessions.of_user("ann")) == 2
        provider.user |= {
            "groups": ["nova-viewers", "nova-admins"],
            "preferred_username": "renamed",
        }
        await log_in(edge, provider, browser)
        changed = edge.users.get("ann")
        assert changed is not None and changed.role == "admin"
        assert changed.version > first.version
        assert len(edge.stores.sessions.of_user("ann")) == 1
        assert edge.users.get("renamed") is None
        provider.user |= {"realm": {"scopes": []}}
        assert reason(await log_in(edge, provider, browser)) == "noScope"
        _, action = entries(edge, "AdminAction")
        assert (action["before"], action["after"]) == ({"role": "operator"}, {"role": "admin"})


async def test_a_disabled_user_and_the_last_admin_stay_as_they_are(
    oidc_edge: RunningEdge, provider: MadeProvider, browser: PlainBrowser
) -> None:
    """The provider enables nobody, and takes no instance's last admin away."""
    users = oidc_edge.users
    provider.user["groups"] = "nova-admins"
    await log_in(oidc_edge, provider, browser)
    assert users.set_enabled("admin", False)
    provider.user["groups"] = "nova-viewers"
    assert reason(await log_in(oidc_edge, provider, browser)) == "lastAdmin"
    ann = users.get("ann")
    assert ann is not None and ann.role == "admin"
    assert users.set_enabled("admin", True) and users.set_enabled("ann", False)
    end = await log_in(oidc_edge, provider, browser)
    assert (end.status, reason(end)) == (403, "disabled")
    assert entries(oidc_edge)[-1] == {
        "outcome": "failure",
        "address": "127.0.0.1",
        "reason": "disabled",
        "user": "ann",
    }


async def test_another_account_of_the_provider_does_not_get_a_name_that_is_in_use(
    oidc_edge: RunningEdge, provider: MadeProvider, browser: PlainBrowser
) -> None:
    """Providers give names to others; who somebody is, is the subject."""
    await log_in(oidc_edge, provider, browser)
    provider.user["sub"] = "subject-of-another-ann"
    assert reason(await log_in(oidc_edge, provider, browser)) == "nameTaken"


async def test_such_a_user_has_no_password(
    oidc_edge: RunningEdge, provider: MadeProvider, browser: PlainBrowser
) -> None:
    """The refusal of a wrong password is the same for every name, and shows the way."""
    await log_in(oidc_edge, provider, browser)
    replies = [
        await oidc_edge.post_login(name, password)
        for name in ("ann", "nobody", "admin")
        for password in ("wrong", " ")
    ]
    assert {status for status, _, _ in replies} == {401}
    assert len({body for _, body, _ in replies}) == 1
    assert b"Log in with Test & Co" in replies[0][1]


async def test_nobody_sets_such_a_user_a_password(
    oidc_edge: RunningEdge, provider: MadeProvider, browser: PlainBrowser
) -> None:
    """Neither the user nor an admin, who sees the origin of users."""
    await log_in(oidc_edge, provider, browser)
    _, token, _ = await oidc_edge.refresh(browser.cookie(REFRESH))
    async with oidc_edge.socket() as client:
        await client.request(Auth(token=token), Authenticated)
        change = ChangePassword(password="wrong", new_password="a good long password")
        error = await client.request(change, Error)
        assert error.code == "passwordRefused"
        assert "ann logs in with OpenID Connect and has no password here" in error.message
    async with oidc_edge.client() as admin:
        assert await admin.refusal(ResetPassword(username="ann")) == "passwordRefused"
        listed = await admin.request(ListUsers(), UsersResponse)
        assert {one.username: one.origin for one in listed.users} == {
            "admin": "local",
            "ann": "oidc",
        }
    ann = oidc_edge.users.get("ann")
    assert ann is not None and ann.password_hash == NO_PASSWORD
