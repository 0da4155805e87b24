"""`nova users`: a lost password is replaced on the machine itself (A-279)."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from nova.cli.main import nova
from nova.edge.login import PASSWORD_MAX_CHARS
from nova.edge.user_store import UserStore
from nova.sdk.protocol.messages import Auth
from tests.e2e.mounting import can_mount, run_beside_read_only
from tests.edge.server import PASSWORD, RunningEdge
from tests.edge.test_cli import login, process

WAIT_S = 60


def reset(data: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """`nova users reset-password` run to its end."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NOVA_")}
    command = (sys.executable, "-m", "nova.cli", "users", "reset-password", *arguments)
    return subprocess.run(
        [*command, "--data", str(data)],
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        errors="surrogateescape",
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
        ("admin", "x\udcff", "the password is not UTF-8 text"),
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
        assert words in done.stderr and "Traceback" not in done.stderr
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


def one_user(data: Path) -> Path:
    """The users of a folder with one."""
    with UserStore(data / "edge") as store:
        store.add("admin", "hash", "admin")
    return data / "edge" / "users.db"


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """One line with these words, and nothing of Python."""
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert all(word in done.stderr for word in words), done.stderr


@pytest.mark.skipif(not can_mount(), reason="no mounts of one's own here")
def test_a_read_only_file_system_is_one_line(tmp_path: Path) -> None:
    """It was a traceback."""
    path = one_user(tmp_path)
    command = (sys.executable, "-m", "nova.cli", "users", "reset-password", "admin", "--generate")
    done = run_beside_read_only(tmp_path, [*command, "--data", str(tmp_path)])
    said = subprocess.CompletedProcess(done.args, done.returncode, "", done.stderr.decode())
    refused(said, str(path), "Read-only file system", "nothing was changed")


def test_a_locked_and_a_damaged_database_are_one_line(tmp_path: Path) -> None:
    """The one with what to do, and both with the file."""
    path = one_user(tmp_path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        refused(reset(tmp_path, "admin", stdin="x"), str(path), "locked", "run this again")
    path.write_bytes(b"no database" * 1_000)
    refused(reset(tmp_path, "admin", stdin="x"), str(path), "not a database", "nothing was changed")


def test_a_password_is_told_where_only_the_failures_cannot_be_forgotten(tmp_path: Path) -> None:
    """It is the user's by then."""
    one_user(tmp_path)
    (tmp_path / "edge" / "logins.db").mkdir()
    done = reset(tmp_path, "admin", "--generate")
    refused(done, "logins.db", "admin has a new password")
    assert len(done.stdout.strip()) > 20


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where SQLite says so."""
    one_user(tmp_path)

    def full(*_: object) -> bool:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr(UserStore, "set_password", full)
    arguments = ["users", "reset-password", "admin", "--generate", "--data", str(tmp_path)]
    done = CliRunner().invoke(nova, arguments)
    assert done.exit_code == 1 and "users.db: database or disk is full" in (done.output)


def run_help() -> str:
    """What `nova users --help` says."""
    done = subprocess.run(
        [sys.executable, "-m", "nova.cli", "users", "--help"],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=True,
    )
    return done.stdout
