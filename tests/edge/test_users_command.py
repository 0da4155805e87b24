"""`nova users`: a lost password is replaced on the machine itself (A-279)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.auth import PASSWORD_MAX_CHARS
from edge.users import UserStore
from sdk.protocol import Auth
from tests.edge.server import PASSWORD, RunningEdge
from tests.edge.test_cli import login, process

WAIT_S = 60


def reset(data: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """`nova users reset-password` run to its end."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NOVA_")}
    command = (sys.executable, "-m", "sdk.cli", "users", "reset-password", *arguments)
    return subprocess.run(
        [*command, "--data", str(data)],
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


async def test_it_replaces_a_lost_password_while_nova_runs_and_while_it_does_not(
    tmp_path: Path,
) -> None:
    """The old one opens nothing any more."""
    with process(tmp_path, password="lost") as (_, url):
        done = reset(tmp_path, "admin", stdin="found\n")
        assert done.returncode == 0, done.stderr
        assert "found" not in done.stdout + done.stderr
        assert await login(url, "found")
        assert await login(url, "lost") is None
    done = reset(tmp_path, "admin", "--generate")
    with process(tmp_path, password="lost") as (_, url):
        assert await login(url, done.stdout.strip())
        assert await login(url, "found") is None


async def test_it_ends_the_users_sessions_and_forgets_the_failures(edge: RunningEdge) -> None:
    """Of that user alone, also where nothing is asked; the cookie of before is worth nothing."""
    admin = edge.users.get("admin")
    assert admin is not None
    edge.users.add("ann", admin.password_hash, "viewer")
    _, _, headers = await edge.post_login("ann")
    cookie = headers["Set-Cookie"].partition(";")[0]
    async with edge.client() as silent, edge.client("ann") as other:
        while (await edge.post_login("admin", "wrong"))[0] == 401:
            pass
        done = reset(edge.config.data, "admin", stdin="found")
        assert done.returncode == 0, done.stderr
        assert await silent.close_code() == 4401
        await other.send_text("?")
        assert (await other.error())[0] == "badRequest"
    assert (await edge.post_login("admin", PASSWORD))[0] == 401
    assert (await edge.post_login("admin", "found"))[0] == 200
    assert reset(edge.config.data, "ann", stdin="new").returncode == 0
    _, _, headers = await edge.post_login("ann", "new", headers={"Cookie": cookie})
    assert cookie not in headers["Set-Cookie"]


async def test_a_token_of_before_is_refused(edge: RunningEdge) -> None:
    """A new connection has to show one of after."""
    token = await edge.token()
    async with edge.client() as client:
        assert reset(edge.config.data, "admin", stdin="found").returncode == 0
        await client.close_code()
    async with edge.socket() as client:
        await client.send(Auth(token=token))
        assert (await client.error())[0] == "unauthorized"
    assert (await edge.post_login(password="found"))[0] == 200


@pytest.mark.parametrize(
    ("name", "stdin", "words"),
    [
        ("nobody", "x", "there are: admin, off"),
        ("admin", "", "1 to 1024 characters"),
        ("admin", "x" * (PASSWORD_MAX_CHARS + 1), "1 to 1024 characters"),
        ("off", "x", "--enable"),
    ],
)
def test_what_cannot_be_is_one_line_and_changes_nothing(
    tmp_path: Path, name: str, stdin: str, words: str
) -> None:
    """What is wrong and what to do."""
    with UserStore(tmp_path / "edge") as store:
        store.add("admin", "hash", "admin")
        store.add("off", "hash", "viewer")
        store.set_enabled("off", False)
        done = reset(tmp_path, name, stdin=stdin)
        assert done.returncode == 1 and done.stderr.count("\n") == 1
        assert words in done.stderr
        users = [store.get(one) for one in ("admin", "off")]
        assert [user is not None and user.password_hash for user in users] == ["hash", "hash"]
        assert reset(tmp_path, "off", "--enable", stdin="x").returncode == 0
        off = store.get("off")
        assert off is not None and off.enabled and off.password_hash != "hash"


def test_a_folder_without_users_is_refused_and_stays_empty(tmp_path: Path) -> None:
    """A mistyped folder is no new archive."""
    done = reset(tmp_path / "nowhere", "admin", stdin="x")
    assert done.returncode == 1 and "--data" in done.stderr
    assert not (tmp_path / "nowhere").exists()
    assert "reset-password" in run_help()


def run_help() -> str:
    """What `nova users --help` says."""
    done = subprocess.run(
        [sys.executable, "-m", "sdk.cli", "users", "--help"],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=True,
    )
    return done.stdout
