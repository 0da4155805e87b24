"""Login with a provider that others wrote, at processes of `nova edge` that share an archive."""

from __future__ import annotations

import signal
from pathlib import Path

from nova.edge.audit_queue import AuditQueue
from nova.edge.cookie_names import OIDC, REFRESH
from nova.edge.user_store import UserStore
from nova.testkit.running_nova import nova_command
from tests.edge.oidc_flow import reason
from tests.edge.plain_browser import PlainBrowser
from tests.edge.provider_process import CLIENT_SECRET, ProviderProcess, provider_process
from tests.edge.test_cli import READY_WAIT_S, process

ADMIN_PASSWORD = "the password of the admin"


async def authorize(browser: PlainBrowser, start: str, subject: str) -> str:
    """Log a user in on the provider's page; the URL to return to."""
    page = await browser.open(start)
    assert page.status == 303, page
    async with browser.http.post(
        page.location, data={"sub": subject}, allow_redirects=False
    ) as reply:
        assert reply.status == 302, await reply.text()
        return reply.headers["Location"]


async def test_two_edges_admit_users_of_a_provider(tmp_path: Path, browser: PlainBrowser) -> None:
    """A login may begin at one and end at the other, once; the archive has one user of it."""
    with (
        provider_process() as provider,
        process(tmp_path, password=ADMIN_PASSWORD, variables=provider.variables()) as (child, one),
        process(tmp_path, variables=provider.variables()) as (_, other),
    ):
        provider.add_user("s-1", preferred_username="ann", groups=["nova-operators"])
        back = await authorize(browser, f"{one}/auth/oidc", "s-1")
        assert back.startswith(f"{one}/auth/oidc/callback?")
        there = back.replace(one, other)
        name, cookie = browser.full_name(OIDC), browser.cookie(OIDC)
        end = await browser.open(there)
        assert (end.status, end.location) == (303, "/")
        async with browser.http.post(f"{one}/auth/refresh") as reply:
            assert reply.status == 200
            login = await reply.json()
        assert (login["user"], login["role"]) == ("ann", "operator")
        browser.http.cookie_jar.update_cookies({name: cookie})
        assert reason(await browser.open(back)) == "unknownLogin"
        await refuses_others(browser, provider, one)
        child.send_signal(signal.SIGTERM)
        stdout, stderr = child.communicate(timeout=READY_WAIT_S)
        assert b'"login failed' in stderr
        assert CLIENT_SECRET.encode() not in stdout + stderr
        assert b"code=" not in stdout + stderr
        back = await authorize(browser, f"{other}/auth/oidc", "s-1")
        provider.kill()
        away = await browser.open(back)
        assert (away.status, reason(away)) == (503, "providerAway")
    with UserStore(tmp_path / "edge") as users:
        found = users.get("ann")
        assert found is not None and (found.role, found.origin) == ("operator", "oidc")
    has_no_password(tmp_path)


async def refuses_others(browser: PlainBrowser, provider: ProviderProcess, url: str) -> None:
    """A user without a role, and one with the name of a local user."""
    provider.add_user("s-2", preferred_username="bob", groups=["others"])
    provider.add_user("s-3", preferred_username="admin", groups=["nova-admins"])
    for subject, refusal in (("s-2", "noRole"), ("s-3", "nameTaken")):
        back = await authorize(browser, f"{url}/auth/oidc", subject)
        assert reason(await browser.open(back)) == refusal


def has_no_password(data: Path) -> None:
    """`nova users` shows the origin and sets no password."""
    listed = nova_command("users", "list", "--data", str(data)).stdout.decode()
    assert [line.split()[0] for line in listed.splitlines() if line.endswith("oidc")] == ["ann"]
    refused = nova_command("users", "reset-password", "ann", "--generate", "--data", str(data))
    assert refused.returncode != 0
    assert b"ann logs in with OpenID Connect and has no password here" in refused.stderr


async def test_an_edge_names_a_provider_that_is_away(tmp_path: Path, browser: PlainBrowser) -> None:
    """Users with a password log in meanwhile; failures wait for the Core like all others."""
    variables = ProviderProcess("http://127.0.0.1:1").variables()
    with process(tmp_path, password=ADMIN_PASSWORD, variables=variables) as (_, url):
        away = await browser.open(f"{url}/auth/oidc")
        assert (away.status, reason(away)) == (503, "providerAway")
        assert "Mock does not answer" in away.text
        body = {"username": "admin", "password": ADMIN_PASSWORD}
        async with browser.http.post(f"{url}/auth/login", json=body) as reply:
            assert reply.status == 200
        assert browser.cookie(REFRESH)
        assert reason(await browser.open(f"{url}/auth/oidc/callback?state=a")) == "unknownLogin"
    with AuditQueue(tmp_path / "edge") as queue:
        kinds = [(one.entry.kind, one.entry.details.get("reason")) for one in queue.first()]
    assert kinds == [("UserLogin", None), ("UserLogin", "unknownLogin")]
