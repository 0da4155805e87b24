"""What an instance logs of people who log in and command: who and what, and no secret."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import msgspec
import pytest

from nova.edge.cookie_names import REFRESH
from nova.sdk.protocol.admin import AddKey
from nova.sdk.protocol.messages import Auth, Message, encode
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova
from tests.core.commanding import SCOPE, command, descriptor
from tests.edge.plain_browser import PlainBrowser, plain_browser
from tests.edge.provider_process import CLIENT_SECRET, ProviderProcess, provider_process
from tests.edge.test_oidc_process import authorize

METRICS_TOKEN = secrets.token_urlsafe(32)


@pytest.fixture
def provider() -> Iterator[ProviderProcess]:
    """An OpenID Connect provider in a process of its own."""
    with provider_process() as running:
        running.add_user("s-1", preferred_username="ann", groups=["nova-operators"])
        yield running


async def log_in(browser: PlainBrowser, nova: RunningNova, name: str, password: str) -> str:
    """Log in with a password; the access token, or nothing."""
    body = {"username": name, "password": password}
    async with browser.http.post(f"{nova.url}/auth/login", json=body) as reply:
        return str((await reply.json()).get("token", ""))


async def act(nova: RunningNova, provider: ProviderProcess) -> list[str]:
    """Log in in every way, rightly and wrongly; command; use a key. Returns all secrets of it."""
    found = [PASSWORD, CLIENT_SECRET, METRICS_TOKEN, wrong := secrets.token_urlsafe(24)]
    async with plain_browser() as browser:
        token = await log_in(browser, nova, "admin", PASSWORD)
        await log_in(browser, nova, "admin", wrong)
        await log_in(browser, nova, wrong, "typed the password as the name")
        found += [token, browser.cookie(REFRESH)]
        async with browser.http.post(f"{nova.url}/auth/refresh") as reply:
            found += [(await reply.json())["token"], browser.cookie(REFRESH)]
        async with browser.http.get(f"{nova.url}/api/exports/none?token={token}") as reply:
            assert reply.status >= 400
        back = await authorize(browser, f"{nova.url}/auth/oidc", "s-1")
        await browser.open(back)
        await browser.open(back)
        found += [part.partition("=")[2] for part in back.partition("?")[2].split("&")]
        headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
        async with browser.http.get(f"{nova.url}/metrics", headers=headers) as reply:
            assert reply.status == 200
        found.append(await command_by_key(browser, nova, token))
    return [secret for secret in found if len(secret) > 8]


async def command_by_key(browser: PlainBrowser, nova: RunningNova, token: str) -> str:
    """Make an API key and send a command with it; returns the key."""
    async with browser.http.ws_connect(f"{nova.url}/ws") as socket:
        await ask(socket, Auth(token=token))
        secret = str((await ask(socket, AddKey(name="probe", role="operator")))["secret"])
    async with browser.http.ws_connect(f"{nova.url}/ws") as socket:
        await ask(socket, Auth(token=secret))
        await ask(socket, command(command_id="c-logged"))
    return secret


async def ask(socket: aiohttp.ClientWebSocketResponse, request: Message) -> dict[str, object]:
    """Send a request; the next frame."""
    await socket.send_str(encode(request).decode())
    return msgspec.json.decode(await socket.receive_str(), type=dict[str, object])


async def test_lines_of_all_processes_name_people_and_events_and_no_secret(
    tmp_path: Path, provider: ProviderProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-297: at the lowest level, in the file that all processes of the instance log to."""
    log = tmp_path / "logs" / "nova.log"
    for name, value in provider.variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NOVA_LOG_LEVEL", "debug")
    monkeypatch.setenv("NOVA_LOG_FILE", str(log))
    monkeypatch.setenv("NOVA_METRICS_TOKEN", METRICS_TOKEN)
    with running_nova(tmp_path / "data", "--scope", SCOPE) as nova:
        transport = connect(nova.publish)
        await transport.publish([descriptor()])
        await transport.close()
        found = await act(nova, provider)
        assert nova.stop() == 0
    text = log.read_text()
    lines = [msgspec.json.decode(line, type=dict[str, object]) for line in text.splitlines()]
    assert {"up", "writer", "reader", "sampler", "edge"} <= {str(line["process"]) for line in lines}
    assert [line for line in lines if line["logger"] == "stderr"] == []
    assert len(found) > 10 and [secret for secret in found if secret in text] == []
    of_command = [line for line in lines if line.get("commandId") == "c-logged"]
    for process in ("edge", "reader", "writer"):
        named = [line for line in of_command if line["process"] == process]
        assert any(
            {"user": "probe", "scopeId": SCOPE}.items() <= line.items() and line.get("requestId")
            for line in named
        ), (process, named)
    assert any(len(str(line.get("eventId"))) == 64 for line in of_command)
