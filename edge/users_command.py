"""`nova users`: the users of an archive, on the machine where its data folder is."""

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

from edge.auth import PASSWORD_MAX_CHARS
from edge.config import FOLDER_NAME, Limits
from edge.login_store import FILE_NAME as LOGINS_FILE
from edge.login_store import LoginStore
from edge.passwords import Passwords
from edge.users import FILE_NAME, UserStore
from sdk.errors import NovaError, SettingsError

PRIMARY_CODE = 0xFF
"""The bits of an SQLite error's code that say its kind."""


@click.group()
def users() -> None:
    """Change the users of an archive, on its own machine: whoever may write its folder may."""


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
@click.option("--generate", is_flag=True, help="Make a password up and print it, instead.")
@click.option("--enable", is_flag=True, help="Let a disabled user in again.")
def reset_password(username: str, data: Path, generate: bool, enable: bool) -> None:
    """Give USERNAME a new password, such as an administrator who has lost it.

    It is asked for twice, or read as one line where stdin is no terminal. NOVA may run or not. The
    user's sessions end within a second, the tokens and known browsers of before are worth nothing,
    and failed logins are forgotten.

    \b
    nova users reset-password admin --data ./archive
    nova users reset-password admin --generate
    nova users reset-password admin < password.txt
    """
    folder = data / FOLDER_NAME
    with _explained(folder / FILE_NAME, "nothing is changed"):
        password = _replaced(data, username, generate, enable)
    if generate:
        click.echo(password)
    done = f"{username} has a new password; failed logins and known browsers of before stay"
    with _explained(folder / LOGINS_FILE, done), closing(LoginStore(folder)) as logins:
        logins.reset(username)
    click.echo(f"{username} has a new password; sessions of before end now", err=True)


def _replaced(data: Path, username: str, generate: bool, enable: bool) -> str:
    with _opened(data) as store:
        user = store.get(username)
        if user is None:
            raise NovaError(f"there is no user {username!r}; there are: {', '.join(store.names())}")
        if not user.enabled and not enable:
            raise NovaError(f"{username} is disabled: add --enable to let them in again")
        password = secrets.token_urlsafe() if generate else _asked()
        password_hash = asyncio.run(_hashed(password))
        if not user.enabled:
            store.set_enabled(username, True)
        if not store.set_password(username, password_hash):
            raise NovaError(f"there is no user {username!r} any more")
    return password


@contextmanager
def _explained(path: Path, state: str) -> Iterator[None]:
    """Make one error of what a file system or SQLite refuses, with what has become of the user."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
    except sqlite3.Error as error:
        why = str(error)
        if os.statvfs(path.parent).f_flag & os.ST_RDONLY:
            why = os.strerror(errno.EROFS)
        elif error.sqlite_errorcode & PRIMARY_CODE == sqlite3.SQLITE_BUSY:
            why += " by another program that writes to it: run this again"
    else:
        return
    raise NovaError(f"{path} cannot be changed: {why}; {state}")


def _opened(data: Path) -> UserStore:
    """The users of a folder that has some; nothing is made where there are none."""
    path = data / FOLDER_NAME / FILE_NAME
    try:
        if path.stat().st_size:
            return UserStore(path.parent)
    except FileNotFoundError:
        pass
    except PermissionError as error:
        raise NovaError(f"{path}: {error.strerror}; run this as the user that runs NOVA") from None
    raise NovaError(
        f"there are no users in {data / FOLDER_NAME}; give --data DIR as `nova up` has it"
    )


def _asked() -> str:
    """The new password, from a person or a line of stdin."""
    if sys.stdin.isatty():
        password: str = click.prompt("New password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not 1 <= len(password) <= PASSWORD_MAX_CHARS:
        raise SettingsError(f"a password has 1 to {PASSWORD_MAX_CHARS} characters")
    return password


async def _hashed(password: str) -> str:
    passwords = Passwords(Limits())
    try:
        return await passwords.hash(password)
    finally:
        passwords.close()
