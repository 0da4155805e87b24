"""`/exports/{id}`: finished exports for authorized users (A-213, AMB-43, pitfalls rows 28, 30)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from nova.edge.export_downloads import EXPORT_COOKIE
from nova.edge.passwords import PasswordHashing
from nova.edge.user_store import Role
from nova.sdk import timestamps
from nova.sdk.endpoints import exports_folder
from nova.sdk.protocol.export import CancelExport, Drivers, Export
from nova.sdk.protocol.messages import Auth, Authenticated
from tests.edge.peer import Peer
from tests.edge.server import CHEAP, PASSWORD, RunningEdge, running_edge

ID = "a-_9" * 10 + "xyz"
CONTENT = b"PK" + bytes(300_000)


@pytest.fixture
async def folder(edge: RunningEdge) -> AsyncIterator[Path]:
    """Where the reader puts exports, with one in it; and a user of each role beside the admin."""
    folder = exports_folder(edge.config.data)
    folder.mkdir()
    keep(folder, ID, seconds=3600)
    passwords = PasswordHashing(edge.config.limits, CHEAP)
    for role in ("viewer", "operator"):
        edge.users.add(role, await passwords.hash(PASSWORD), role)
    passwords.close()
    yield folder


def keep(folder: Path, export_id: str, seconds: int = 3600, **held: object) -> None:
    """Put an export there that can be had for so long; by default without audit events."""
    until = timestamps.text(timestamps.now() + seconds * 10**9)
    info = {"expiresAt": until, "withAudit": False, **held}
    (folder / f"{export_id}.json").write_text(json.dumps(info))
    (folder / f"{export_id}.zip").write_bytes(CONTENT)


async def token(edge: RunningEdge, user: str) -> str:
    """A user's token."""
    status, body, _ = await edge.post_login(user)
    assert status == 200, body
    return str(json.loads(body)["token"])


async def got(edge: RunningEdge, path: str, bearer: str | None) -> tuple[int, bytes]:
    """Status and body of a GET."""
    headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    async with edge.http.get(f"{edge.url}{path}", headers=headers) as reply:
        return reply.status, await reply.read()


@pytest.mark.parametrize(("user", "status"), [("admin", 200), ("operator", 200), ("viewer", 403)])
async def test_roles(edge: RunningEdge, folder: Path, user: Role, status: int) -> None:
    """A-213: operators and administrators have exports, viewers do not."""
    found, body = await got(edge, f"/exports/{ID}", await token(edge, user))
    assert found == status
    assert (body == CONTENT) == (status == 200)


async def test_whoever_may_not_see_the_events_gets_no_export_of_them(
    edge: RunningEdge, folder: Path
) -> None:
    """Neither by a token nor for a browser, whoever has heard of the id; what an older NOVA kept
    may hold everything.
    """
    held: dict[str, dict[str, Any]] = {
        "a": {"scopes": ["sat"], "lanes": ["ui"]},
        "b": {"scopes": ["sat", "sun"], "lanes": ["ui"]},
        "c": {"scopes": ["sat"]},
        "d": {"lanes": ["ui"]},
        "e": {"withAudit": True},
    }
    for name, info in held.items():
        keep(folder, name * 43, **info)
    (folder / f"{'f' * 43}.json").write_text(
        json.dumps({"expiresAt": timestamps.text(timestamps.now() + 10**12)})
    )
    (folder / f"{'f' * 43}.zip").write_bytes(CONTENT)
    key = edge.stores.keys.add("probe", "operator", "admin", scopes=["sat"], lanes=["ui", "raw"])
    assert key is not None
    edge.add_user("ann", scopes=["sat"])
    for bearer, names in (
        (key, "a"),
        (await token(edge, "ann"), "ac"),
        (await token(edge, "operator"), "abcd"),
        (await token(edge, "admin"), "abcdef"),
    ):
        for name in "abcdef":
            url = f"{edge.url}/exports/{name * 43}"
            headers = {"Authorization": f"Bearer {bearer}"}
            found, body = await got(edge, f"/exports/{name * 43}", bearer)
            async with edge.http.post(url, headers=headers) as reply:
                assert reply.status == (204 if name in names else 403)
                assert ("Set-Cookie" in reply.headers) == (name in names)
            assert (found, body == CONTENT) == ((200, True) if name in names else (403, False))


async def test_a_password_of_somebody_else_gets_no_export(edge: RunningEdge, folder: Path) -> None:
    """It has to be changed first, as on the WebSocket."""
    edge.add_user("ann", must_change=True)
    status, body = await got(edge, f"/exports/{ID}", await token(edge, "ann"))
    assert (status, json.loads(body)["code"]) == (403, "passwordChangeRequired")


@pytest.mark.parametrize("bearer", [None, "", "x", "a.b.c"])
async def test_without_a_good_token_there_is_nothing(
    edge: RunningEdge, folder: Path, bearer: str | None
) -> None:
    """Nor is it revealed whether the export exists."""
    assert (await got(edge, f"/exports/{ID}", bearer))[0] == 401
    assert (await got(edge, f"/exports/{'b' * 43}", bearer))[0] == 401


@pytest.mark.parametrize(
    "name",
    [
        "b" * 43,
        ID[:-1],
        ID + "x",
        "..%2f..%2fedge%2fjwt.key",
        "%2e%2e%2fjwt.key",
        "..%5c..%5cjwt.key",
        "%2fetc%2fpasswd",
        ID + "%00",
        "a" * 300,
        "\u202e" + "a" * 42,
    ],
)
async def test_names_lead_nowhere_else(edge: RunningEdge, folder: Path, name: str) -> None:
    """Pitfalls row 30."""
    status, body = await got(edge, f"/exports/{name}", await token(edge, "admin"))
    assert status == 404
    assert b"root" not in body and len(body) < 200


async def test_an_expired_export_is_gone(edge: RunningEdge, folder: Path) -> None:
    """Whether it was swept already or not."""
    keep(folder, "c" * 43, seconds=-1)
    assert (await got(edge, f"/exports/{'c' * 43}", await token(edge, "admin")))[0] == 404


@pytest.mark.parametrize("suffix", [".zip", ".json"])
async def test_symlinks_are_not_followed(edge: RunningEdge, folder: Path, suffix: str) -> None:
    """Pitfalls row 30: neither for the export nor for what is said of it."""
    other = "d" * 43
    keep(folder, other, seconds=3600)
    (folder / f"{other}{suffix}").unlink()
    (folder / f"{other}{suffix}").symlink_to(folder / f"{ID}{suffix}")
    assert (await got(edge, f"/exports/{other}", await token(edge, "admin")))[0] == 404


async def test_a_browser_downloads_by_a_cookie(edge: RunningEdge, folder: Path) -> None:
    """It is for this export, for a moment, out of reach of scripts, and no token is in a URL."""
    good = await token(edge, "operator")
    url = f"{edge.url}/exports/{ID}"
    async with edge.http.post(url, headers={"Authorization": f"Bearer {good}"}) as reply:
        assert reply.status == 204
        cookie = reply.headers["Set-Cookie"]
    assert cookie.startswith(f"{EXPORT_COOKIE}={good}; ")
    for part in ("HttpOnly", "Max-Age=120", f"Path=/exports/{ID}", "SameSite=Strict"):
        assert part in cookie
    assert "Secure" not in cookie
    async with edge.http.get(url, cookies={EXPORT_COOKIE: good}) as reply:
        assert reply.status == 200
        assert reply.headers["Content-Disposition"] == (
            f'attachment; filename="nova-export-{ID[:8]}.zip"'
        )
        assert reply.headers["Cache-Control"] == "no-store"
        assert await reply.read() == CONTENT


async def test_a_download_ends_with_its_user(edge: RunningEdge, folder: Path) -> None:
    """Whoever is disabled or given a new password in the middle of it gets no more."""
    with (folder / f"{ID}.zip").open("r+b") as file:
        file.truncate(1 << 30)  # more than sockets hold
    bearer = {"Authorization": f"Bearer {await token(edge, 'operator')}"}
    async with edge.http.get(f"{edge.url}/exports/{ID}", headers=bearer) as reply:
        await reply.content.readexactly(1_000)
        edge.users.set_password("operator", "another hash")
        with pytest.raises(aiohttp.ClientPayloadError):
            while await reply.content.read(1 << 20):
                pass


async def test_behind_tls_the_cookie_is_for_tls_alone(tmp_path: Path, reader_socket: Path) -> None:
    """It holds the session's token; a trusted proxy says that its client speaks TLS."""
    trusted = ("127.0.0.1",)
    async with running_edge(tmp_path, reader_socket, trusted_proxies=trusted) as edge:
        bearer = {"Authorization": f"Bearer {await token(edge, 'admin')}"}
        headers = {**bearer, "X-Forwarded-Proto": "https"}
        async with edge.http.post(f"{edge.url}/exports/{ID}", headers=headers) as reply:
            assert reply.status == 204
            assert "Secure" in reply.headers["Set-Cookie"]


async def test_another_page_gets_no_cookie(edge: RunningEdge, folder: Path) -> None:
    """Pitfalls row 28."""
    headers = {
        "Authorization": f"Bearer {await token(edge, 'admin')}",
        "Origin": "http://elsewhere.example",
    }
    async with edge.http.post(f"{edge.url}/exports/{ID}", headers=headers) as reply:
        assert reply.status == 403
        assert "Set-Cookie" not in reply.headers


@pytest.mark.parametrize("user", ["viewer", "operator"])
async def test_who_may_ask_for_exports(
    edge: RunningEdge, folder: Path, peer: Peer, user: str
) -> None:
    """A-213: refused at the edge, so the reader never hears of it; which drivers there are anyone
    may know.
    """
    async with edge.socket() as client:
        await client.send(Auth(token=await token(edge, user)))
        assert isinstance(await client.receive(), Authenticated)
        reader = await peer.connection(client)
        await client.send(Drivers(ref=0))
        assert (await reader.take()).ref == 0
        for message in (Export(ref=1), CancelExport(ref=2, export_id=ID)):
            await client.send(message)
            if user == "viewer":
                assert await client.error() == ("forbidden", message.ref)
            else:
                assert await reader.take() == message


@pytest.mark.parametrize("size", [0, len(CONTENT) - 1, len(CONTENT) + 1])
async def test_an_export_that_was_cut_is_not_handed_out(
    edge: RunningEdge, folder: Path, size: int
) -> None:
    """It came with 200, as a zip that nobody can open."""
    about = folder / f"{ID}.json"
    about.write_text(json.dumps({**json.loads(about.read_bytes()), "bytes": len(CONTENT)}))
    bearer = await token(edge, "operator")
    assert await got(edge, f"/exports/{ID}", bearer) == (200, CONTENT)
    (folder / f"{ID}.zip").write_bytes(CONTENT[:size].ljust(size, b"x"))
    status, body = await got(edge, f"/exports/{ID}", bearer)
    assert status == 410
    assert f"has {size} bytes, but {len(CONTENT)} were written" in body.decode()
