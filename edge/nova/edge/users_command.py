"""`nova users`: manages the users of an archive, on the machine with its data folder."""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from nova.edge.edge_config import FOLDER_NAME, EdgeLimits
from nova.edge.login import PASSWORD_MAX_CHARS
from nova.edge.login_store import FILE_NAME as LOGINS_FILE
from nova.edge.login_store import LoginStore
from nova.edge.passwords import PasswordHashing
from nova.edge.user_store import FILE_NAME, UserStore
from nova.sdk.errors import NovaError, SettingsError
from nova.sdk.utf8 import check_secret

PRIMARY_CODE_MASK = 0xFF
"""Mask of an SQLite extended error code that leaves the primary code."""


@click.group()
def users() -> None:
    """Manage the users of an archive. You need write access to its data folder."""


@users.command("reset-password")
@click.argument("username")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default="./nova-data",
    envvar="NOVA_DATA",
    show_default=True,
    help="Folder of the archive.",
)
@click.option("--generate", is_flag=True, help="Generate a password and print it.")
@click.option("--enable", is_flag=True, help="Enable the user again if disabled.")
def reset_password(username: str, data: Path, generate: bool, enable: bool) -> None:
    """Give USERNAME a new password, for example an administrator who has lost it.

    The password is asked for twice, or read as one line if stdin is not a terminal. NOVA may be
    running. The user's sessions end within a second, earlier tokens and known browsers become
    invalid, and failed logins are cleared.

    \b
    Examples:
      nova users reset-password admin --data ./archive
      nova users reset-password admin --generate
      nova users reset-password admin < password.txt
    """
    folder = data / FOLDER_NAME
    with _storage_errors(folder / FILE_NAME, "nothing was changed"):
        password = _replace_password(data, username, generate, enable)
    if generate:
        click.echo(password)
    done = f"{username} has a new password; earlier failed logins and known browsers remain"
    with _storage_errors(folder / LOGINS_FILE, done), closing(LoginStore(folder)) as logins:
        logins.reset(username)
    click.echo(f"{username} has a new password; earlier sessions end now", err=True)


def _replace_password(data: Path, username: str, generate: bool, enable: bool) -> str:
    with _open_users(data) as store:
        user = store.get(username)
        if user is None:
            raise NovaError(f"no user {username!r}; there are: {', '.join(store.usernames())}")
        if not user.enabled and not enable:
            raise NovaError(f"{username} is disabled: add --enable to enable the user again")
        password = secrets.token_urlsafe() if generate else _read_password()
        password_hash = asyncio.run(_hash_password(password))
        if not user.enabled:
            store.set_enabled(username, True)
        if not store.set_password(username, password_hash):
            raise NovaError(f"user {username!r} no longer exists")
    return password


@contextmanager
def _storage_errors(path: Path, state: str) -> Iterator[None]:
    """Turn errors of the file system or SQLite into one NovaError; `state` says what was done."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
    except sqlite3.Error as error:
        why = str(error)
        if os.statvfs(path.parent).f_flag & os.ST_RDONLY:
            why = os.strerror(errno.EROFS)
        elif error.sqlite_errorcode & PRIMARY_CODE_MASK == sqlite3.SQLITE_BUSY:
            why += " by another program that is writing to it: run this again"
    else:
        return
    raise NovaError(f"cannot change {path}: {why}; {state}")


def _open_users(data: Path) -> UserStore:
    """Open the users of a data folder; raises NovaError, and creates nothing, if it has none."""
    path = data / FOLDER_NAME / FILE_NAME
    try:
        if path.stat().st_size:
            return UserStore(path.parent)
    except FileNotFoundError:
        pass
    except PermissionError as error:
        raise NovaError(f"{path}: {error.strerror}; run this as the user that runs NOVA") from None
    raise NovaError(f"{data / FOLDER_NAME} has no users; use the same --data DIR as `nova up`")


def _read_password() -> str:
    """Read the new password from the terminal or as one line of stdin; raises SettingsError."""
    if sys.stdin.isatty():
        password: str = click.prompt("New password", hide_input=True, confirmation_prompt=True)
    else:
        line = sys.stdin.buffer.readline().rstrip(b"\r\n")
        password = line.decode(errors="surrogateescape")
    check_secret("the password", password)
    if not 1 <= len(password) <= PASSWORD_MAX_CHARS:
        raise SettingsError(f"a password must have 1 to {PASSWORD_MAX_CHARS} characters")
    return password


async def _hash_password(password: str) -> str:
    passwords = PasswordHashing(EdgeLimits())
    try:
        return await passwords.hash(password)
    finally:
        passwords.close()
