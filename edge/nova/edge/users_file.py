"""The users' file of a data folder, opened by a command beside or without a running instance."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from nova.edge.edge_config import FOLDER_NAME
from nova.edge.edge_database import FILE_NAME
from nova.edge.login_store import FILE_NAME as LOGINS_FILE
from nova.edge.login_store import LoginStore
from nova.edge.sqlite_file import is_busy
from nova.edge.user_store import UserStore
from nova.sdk.errors import NovaError


@contextmanager
def open_users(data: Path, *, create: bool = False) -> Iterator[UserStore]:
    """Open the users of a data folder. Raises NovaError, and creates nothing, if there are none
    (unless `create`), or if the file cannot be read or changed.
    """
    path = data / FOLDER_NAME / FILE_NAME
    with storage_errors(path, "nothing was changed"):
        if not create:
            require_users(data)
        with UserStore(path.parent) as store:
            yield store


def clear_login_history(data: Path, username: str, done: str) -> None:
    """Delete the failed logins and known browsers of an account; `done` says what was done before,
    for the error if this fails.
    """
    folder = data / FOLDER_NAME
    with storage_errors(folder / LOGINS_FILE, done), closing(LoginStore(folder)) as logins:
        logins.reset(username)


@contextmanager
def storage_errors(path: Path, state: str) -> Iterator[None]:
    """Turn errors of the file system or SQLite into one NovaError; `state` says what was done."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
    except sqlite3.Error as error:
        why = str(error)
        if os.statvfs(path.parent).f_flag & os.ST_RDONLY:
            why = os.strerror(errno.EROFS)
        elif is_busy(error):
            why += " by another program that is writing to it: run this again"
    else:
        return
    raise NovaError(f"cannot change {path}: {why}; {state}")


def require_users(data: Path) -> None:
    """Raise NovaError if a data folder has no users, as one that no edge has used yet."""
    path = data / FOLDER_NAME / FILE_NAME
    try:
        if path.stat().st_size:
            return
    except FileNotFoundError:
        pass
    except PermissionError as error:
        raise NovaError(f"{path}: {error.strerror}; run this as the user that runs NOVA") from None
    raise NovaError(f"{data / FOLDER_NAME} has no users; use the same --data DIR as `nova up`")
