"""`nova users`: a lost password is replaced on the machine itself (A-279)."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from nova.cli.main import nova
from nova.edge.password_policy import PASSWORD_MAX_CHARS
from nova.edge.user_store import UserStore
from nova.sdk.protocol.messages import Auth
from tests.command_here import command_here
from tests.e2e.mounting import can_mount, run_beside_read_only
from tests.edge.server import PASSWORD, RunningEdge, cookie_line
from tests.edge.test_cli import login, process


def reset(data: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """`nova users reset-password` run to its end."""
    typed = stdin.encode(errors="surrogateescape")
    done = command_here("users", "reset-password", *arguments, "--data", str(data), stdin=typed)
    texts = (output.decode(errors="surrogateescape") for output in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, *texts)


async def test_it_replaces_a_lost_password_while_nova_runs_and_while_it_does_not(
    tmp_path: Path,
) -> None:
    """The old one opens nothing any more."""
    with process(tmp_path, password="lost by its owner") as (_, url):
        done = await asyncio.to_thread(reset, tmp_path, "admin", stdin="found by its owner\n")
        assert done.returncode == 0, done.stderr
        assert "found by its owner" not in done.stdout + done.stderr
        assert await login(url, "found by its owner")
        assert await login(url, "lost by its owner") is None
    done = await asyncio.to_thread(reset, tmp_path, "admin", "--generate")
    with process(tmp_path, password="lost by its owner") as (_, url):
        assert await login(url, done.stdout.strip())
        assert await login(url, "found by its owner") is None


async def test_it_ends_the_users_sessions_and_forgets_the_failures(edge: RunningEdge) -> None:
    """Of that user alone, also where nothing is asked; the cookie of before is worth nothing."""
    admin = edge.users.get("admin")
    assert admin is not None
    edge.users.add("ann", admin.password_hash, "viewer")
    _, _, headers = await edge.post_login("ann")
    cookie = cookie_line(headers).partition(";")[0]
    async with edge.client() as silent, edge.client("ann") as other:
        while (await edge.post_login("admin", "wrong"))[0] == 401:
            pass
        done = await asyncio.to_thread(reset, edge.config.data, "admin", stdin="found by its owner")
        assert done.returncode == 0, done.stderr
        assert await silent.close_code() == 4401
        await other.send_text("?")
        assert (await other.error())[0] == "badRequest"
    assert (await edge.post_login("admin", PASSWORD))[0] == 401
    assert (await edge.post_login("admin", "found by its owner"))[0] == 200
    done = await asyncio.to_thread(reset, edge.config.data, "ann", stdin="new words for ann")
    assert done.returncode == 0
    _, _, headers = await edge.post_login("ann", "new words for ann", headers={"Cookie": cookie})
    assert cookie not in cookie_line(headers)


async def test_a_token_of_before_is_refused(edge: RunningEdge) -> None:
    """A new connection has to show one of after."""
    token = await edge.token()
    async with edge.client() as client:
        done = await asyncio.to_thread(reset, edge.config.data, "admin", stdin="found by its owner")
        assert done.returncode == 0
        await client.close_code()
    async with edge.socket() as client:
        await client.send(Auth(token=token))
        assert (await client.error())[0] == "unauthorized"
    assert (await edge.post_login(password="found by its owner"))[0] == 200


@pytest.mark.parametrize(
    ("name", "stdin", "words"),
    [
        ("nobody", "x", "there are: admin, off"),
        ("admin", "", "12 to 1024 characters"),
        ("admin", "x" * (PASSWORD_MAX_CHARS + 1), "12 to 1024 characters"),
        ("admin", "hunter2", "this one has 7"),
        ("admin", "Justinbieber", "most common"),
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
        assert reset(tmp_path, "off", "--enable", stdin="x marks the spot").returncode == 0
        off = store.get("off")
        assert off is not None and off.enabled and off.password_hash != "hash"


def test_a_user_is_enabled_with_the_new_password_or_not_at_all(tmp_path: Path) -> None:
    """A fault in between must not enable the user with the old password."""
    with UserStore(tmp_path / "edge") as store:
        store.add("admin", "hash", "admin")
        store.add("off", "hash", "viewer")
        store.set_enabled("off", False)
        with closing(sqlite3.connect(tmp_path / "edge" / "users.db")) as db:
            db.execute(
                "CREATE TRIGGER fault BEFORE UPDATE OF password_hash ON users "
                "BEGIN SELECT raise(ABORT, 'a fault'); END"
            )
        assert reset(tmp_path, "off", "--enable", stdin="x marks the spot").returncode == 1
        off = store.get("off")
        assert off is not None and not off.enabled


def test_a_folder_without_users_is_refused_and_stays_empty(tmp_path: Path) -> None:
    """A mistyped folder is no new archive."""
    done = reset(tmp_path / "nowhere", "admin", stdin="x")
    assert done.returncode == 1 and "--data" in done.stderr
    assert not (tmp_path / "nowhere").exists()
    assert b"reset-password" in command_here("users", "--help").stdout


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
        refused(
            reset(tmp_path, "admin", stdin="x marks the spot"),
            str(path),
            "locked",
            "run this again",
        )
    path.write_bytes(b"no database" * 1_000)
    refused(
        reset(tmp_path, "admin", stdin="x marks the spot"),
        str(path),
        "not a database",
        "nothing was changed",
    )


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

    def full(*_: object, **_options: object) -> bool:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr(UserStore, "set_password", full)
    arguments = ["users", "reset-password", "admin", "--generate", "--data", str(tmp_path)]
    done = CliRunner().invoke(nova, arguments)
    assert done.exit_code == 1 and "users.db: database or disk is full" in (done.output)


def command(data: Path, *arguments: str, stdin: str = "") -> tuple[int, str]:
    """Exit code and output of a `nova users` command."""
    done = CliRunner().invoke(nova, ["users", *arguments, "--data", str(data)], input=stdin)
    return done.exit_code, done.output


def test_users_are_added_changed_listed_and_deleted(tmp_path: Path) -> None:
    """All that the admin page does, on the machine itself."""
    assert command(tmp_path, "add", "root", "--role", "admin", "--generate")[0] == 0
    assert command(tmp_path, "add", "ann", "--scope", "sat1", stdin="a password for ann\n")[0] == 0
    assert command(tmp_path, "set-role", "ann", "operator")[0] == 0
    assert command(tmp_path, "set-scopes", "ann", "sat2", "sat1")[0] == 0
    assert command(tmp_path, "disable", "ann")[0] == 0
    lines = command(tmp_path, "list", "--json")[1].splitlines()
    ann, root = map(msgspec.json.decode, lines)
    assert (ann["username"], ann["role"], ann["enabled"]) == ("ann", "operator", False)
    assert ann["scopes"] == ["sat1", "sat2"] and ann["lastLogin"] is None
    assert (root["role"], root["scopes"]) == ("admin", None)
    assert command(tmp_path, "enable", "ann")[0] == 0
    table = command(tmp_path, "list")[1]
    assert "ann   operator  enabled  sat1, sat2  never       local" in table, table
    assert command(tmp_path, "delete", "ann")[0] == 0
    assert "ann" not in command(tmp_path, "list")[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "ann"), "exists already"),
        (("add", "a b"), "letters, digits"),
        (("add", "bob", "--scope", "sat.1"), "a scope has"),
        (("set-scopes", "ann"), "--all"),
        (("set-scopes", "ann", *(f"s{number}" for number in range(1_001))), "1000"),
        (("set-scopes", "ann", "sat1", "--all"), "--all"),
        (("set-role", "nobody", "viewer"), "there are: admin, ann"),
        (("disable", "admin"), "enabled admin"),
        (("set-role", "admin", "viewer"), "enabled admin"),
        (("delete", "admin"), "enabled admin"),
        (("set-role", "ann", "root"), "'root' is not one of 'admin', 'operator', 'viewer'"),
    ],
)
def test_what_is_refused_changes_nothing(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    """One error each, which says what to do."""
    with UserStore(tmp_path / "edge") as store:
        store.add("admin", "hash", "admin")
        store.add("ann", "hash", "viewer")
        before = store.list_users()
        code, output = command(tmp_path, *arguments, stdin="a good password\n")
        assert code != 0 and words in output, output
        assert store.list_users() == before


def test_the_first_user_is_an_admin(tmp_path: Path) -> None:
    """A viewer alone could not be given more rights by anybody."""
    code, output = command(tmp_path, "add", "ann", "--generate")
    assert code == 1 and "--role admin" in output


async def test_changes_end_the_sessions_of_that_user_only(edge: RunningEdge) -> None:
    """Within a second, as for a password."""
    admin = edge.users.get("admin")
    assert admin is not None
    edge.users.add("ann", admin.password_hash, "viewer")
    for change in (["set-role", "ann", "operator"], ["set-scopes", "ann", "x"], ["disable", "ann"]):
        async with edge.client() as other, edge.client("ann") as ann:
            assert (await asyncio.to_thread(command, edge.config.data, *change))[0] == 0
            assert await ann.close_code() == 4401
            await other.send_text("?")
            assert (await other.error())[0] == "badRequest"
