"""`nova users`: the users of an archive, on the machine where its data folder is."""

from __future__ import annotations

import asyncio
import secrets
import sys
from pathlib import Path

import click

from edge.auth import PASSWORD_MAX_CHARS
from edge.config import FOLDER_NAME, Limits
from edge.login_store import LoginStore
from edge.passwords import Passwords
from edge.users import FILE_NAME, UserStore
from sdk.errors import NovaError, SettingsError


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
    with _opened(data) as store:
        user = store.get(username)
        if user is None:
            raise NovaError(f"there is no user {username!r}; there are: {', '.join(store.names())}")
        if not user.enabled and not enable:
            raise NovaError(f"{username} is disabled: add --enable to let them in again")
        password = secrets.token_urlsafe() if generate else _asked()
        password_hash = asyncio.run(_hashed(password))
        if not store.set_password(username, password_hash):
            raise NovaError(f"there is no user {username!r} any more")
        if not user.enabled:
            store.set_enabled(username, True)
    logins = LoginStore(data / FOLDER_NAME)
    logins.reset(username)
    logins.close()
    if generate:
        click.echo(password)
    click.echo(f"{username} has a new password; sessions of before end now", err=True)


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
