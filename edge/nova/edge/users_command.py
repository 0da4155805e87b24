"""`nova users`: manages the users of an archive, on the machine with its data folder."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypedDict, TypeVar, Unpack, get_args

import click
import msgspec

from nova.edge.actor import local_actor
from nova.edge.edge_config import EdgeLimits
from nova.edge.password_policy import check_new_password
from nova.edge.passwords import PasswordHashing
from nova.edge.user_store import NAME_TAKEN, Role, User, UserStore
from nova.edge.users_file import clear_login_history, open_users
from nova.sdk.address import is_id
from nova.sdk.errors import NovaError, SettingsError
from nova.sdk.protocol.admin import UserOrigin
from nova.sdk.protocol.submission import SCOPES_MAX
from nova.sdk.utf8 import check_secret

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


class UserLine(msgspec.Struct, rename="camel"):
    """A user as `nova users list --json` prints it; times are UTC, `scopes` null means all."""

    username: str
    role: Role
    enabled: bool
    scopes: tuple[str, ...] | None
    must_change_password: bool
    created: str
    last_login: str | None
    origin: UserOrigin


def data_option(command: CommandT) -> CommandT:
    """The option that names the archive."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        default="./nova-data",
        envvar="NOVA_DATA",
        show_default=True,
        help="Folder of the archive.",
    )(command)


def role_argument(command: CommandT) -> CommandT:
    return click.argument("role", type=click.Choice(get_args(Role)))(command)


generate_option = click.option("--generate", is_flag=True, help="Generate a password, print it.")
must_change_option = click.option(
    "--must-change", is_flag=True, help="Ask for a new password at the next login."
)


@click.group()
def users() -> None:
    """Manage the users of an archive. You need write access to its data folder.

    NOVA may be running: sessions of a changed user end within a second. An admin sees, commands and
    manages everything; an operator commands and exports; a viewer sees.

    \b
    Examples:
      nova users list
      nova users add ann --role operator --generate
      nova users disable ann
    """


@users.command("list")
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per user.")
def list_users(data: Path, as_json: bool) -> None:
    """List the users with their roles, scopes and last logins.

    \b
    nova users list --data ./archive
    """
    with open_users(data) as store:
        found = store.list_users()
    if as_json:
        for user in found:
            click.echo(msgspec.json.encode(_line(user)))
        return
    rows = [("USER", "ROLE", "STATE", "SCOPES", "LAST LOGIN", "ORIGIN"), *map(_row, found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


@users.command()
@click.argument("username")
@data_option
@click.option(
    "--role", type=click.Choice(get_args(Role)), default="viewer", show_default=True, help="Role."
)
@click.option("--scope", "scopes", multiple=True, help="Scope to see and command; may repeat.")
@generate_option
@must_change_option
def add(
    username: str,
    data: Path,
    role: Role,
    scopes: tuple[str, ...],
    generate: bool,
    must_change: bool,
) -> None:
    """Add USERNAME. The password is asked for twice, or read as one line from stdin.

    Without --scope the user sees all scopes.

    \b
    nova users add ann --role operator --generate
    nova users add bob --scope sat1 --scope sat2 < password.txt
    """
    _check_ids("a username", username)
    _check_scopes(scopes)
    with open_users(data, create=True) as store:
        if not store.has_admin() and (role != "admin" or scopes):
            raise NovaError(
                "the first user must be an admin of all scopes: add one with --role admin"
            )
        if store.get(username) is not None:
            raise NovaError(f"user {username!r} exists already")
        password, password_hash = _new_password(generate)
        if not store.add(
            username,
            password_hash,
            role,
            scopes=scopes or None,
            must_change=must_change,
            by=local_actor(),
        ):
            raise NovaError(NAME_TAKEN.format(username))
    _report(f"{username} was added as {role}", password if generate else None)


@users.command("reset-password")
@click.argument("username")
@data_option
@generate_option
@click.option("--enable", is_flag=True, help="Enable the user again if disabled.")
@must_change_option
def reset_password(
    username: str, data: Path, generate: bool, enable: bool, must_change: bool
) -> None:
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
    with open_users(data) as store:
        user = _existing(store, username)
        user.require_password()
        if not user.enabled and not enable:
            raise NovaError(f"{username} is disabled: add --enable to enable the user again")
        password, password_hash = _new_password(generate)
        if not store.set_password(
            username, password_hash, must_change=must_change, enable=enable, by=local_actor()
        ):
            raise NovaError(f"user {username!r} no longer exists")
    if generate:
        click.echo(password)
    clear_login_history(
        data,
        username,
        f"{username} has a new password; earlier failed logins and known browsers remain",
    )
    _report(f"{username} has a new password; earlier sessions end now")


@users.command()
@click.argument("username")
@data_option
def disable(username: str, data: Path) -> None:
    """Disable USERNAME: sessions end within a second, and the user cannot log in.

    \b
    nova users disable ann
    """
    _change(data, username, f"{username} is disabled", enabled=False)


@users.command()
@click.argument("username")
@data_option
def enable(username: str, data: Path) -> None:
    """Enable USERNAME again, with the same password.

    \b
    nova users enable ann
    """
    _change(data, username, f"{username} is enabled", enabled=True)


@users.command("set-role")
@click.argument("username")
@role_argument
@data_option
def set_role(username: str, role: Role, data: Path) -> None:
    """Make USERNAME an admin, operator or viewer.

    \b
    nova users set-role ann operator
    """
    _change(data, username, f"{username} is {role} now", role=role)


@users.command("set-scopes")
@click.argument("username")
@click.argument("scopes", nargs=-1)
@data_option
@click.option("--all", "all_scopes", is_flag=True, help="Let the user see and command all scopes.")
def set_scopes(username: str, scopes: tuple[str, ...], data: Path, all_scopes: bool) -> None:
    """Let USERNAME see and command only SCOPES.

    \b
    nova users set-scopes ann sat1 sat2
    nova users set-scopes ann --all
    """
    if bool(scopes) == all_scopes:
        raise NovaError("name the scopes, or give --all")
    _check_scopes(scopes)
    done = f"{username} sees {', '.join(scopes) or 'all scopes'}"
    _change(data, username, done, scopes=scopes or None)


@users.command()
@click.argument("username")
@data_option
def delete(username: str, data: Path) -> None:
    """Delete USERNAME. What the user did remains on the timeline; `disable` can be undone.

    \b
    nova users delete ann
    """
    with open_users(data) as store:
        _existing(store, username)
        store.delete(username, by=local_actor())
    clear_login_history(data, username, f"{username} was deleted; failed logins remain counted")
    _report(f"{username} was deleted")


class UserChange(TypedDict, total=False):
    """What `UserStore.change` may be given."""

    enabled: bool
    role: Role
    scopes: Sequence[str] | None


def _change(data: Path, username: str, done: str, **change: Unpack[UserChange]) -> None:
    """Change an existing user and report it."""
    with open_users(data) as store:
        _existing(store, username)
        store.change(username, by=local_actor(), **change)
    _report(done)


def _existing(store: UserStore, username: str) -> User:
    user = store.get(username)
    if user is None:
        names = ", ".join(one.username for one in store.list_users())
        raise NovaError(f"no user {username!r}; there are: {names}")
    return user


def _check_scopes(scopes: Sequence[str]) -> None:
    _check_ids("a scope", *scopes)
    if len(scopes) > SCOPES_MAX:
        raise SettingsError(f"{len(scopes)} scopes are more than a user can have ({SCOPES_MAX})")


def _check_ids(what: str, *names: str) -> None:
    for name in names:
        if not is_id(name):
            raise SettingsError(
                f"{what} has 1 to 64 letters, digits, - and _; {name[:128]!r} is none"
            )


def _new_password(generate: bool) -> tuple[str, str]:
    """The new password and its hash; raises NovaError if the policy refuses it."""
    password = secrets.token_urlsafe() if generate else _read_password()
    check_secret("the password", password)
    check_new_password(password)
    return password, asyncio.run(_hash_password(password))


def _read_password() -> str:
    """Read the new password from the terminal or as one line of stdin."""
    if sys.stdin.isatty():
        password: str = click.prompt("New password", hide_input=True, confirmation_prompt=True)
        return password
    line = sys.stdin.buffer.readline().rstrip(b"\r\n")
    return line.decode(errors="surrogateescape")


async def _hash_password(password: str) -> str:
    passwords = PasswordHashing(EdgeLimits())
    try:
        return await passwords.hash(password)
    finally:
        passwords.close()


def _report(done: str, password: str | None = None) -> None:
    """Say what was done on stderr; a generated password is all that stdout gets."""
    if password is not None:
        click.echo(password)
    click.echo(done, err=True)


def _line(user: User) -> UserLine:
    return UserLine(
        user.username,
        user.role,
        user.enabled,
        user.scopes,
        user.must_change,
        user.created,
        user.last_login,
        user.origin,
    )


def _row(user: User) -> tuple[str, str, str, str, str, str]:
    scopes = "all" if user.scopes is None else ", ".join(user.scopes) or "none"
    state = "enabled" if user.enabled else "disabled"
    return user.username, user.role, state, scopes, user.last_login or "never", user.origin
