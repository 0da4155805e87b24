"""The layout of the edges' database of users: what this version writes, and what a file has."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from nova.sdk.errors import NovaError

USERS_PATH = Path("edge", "users.db")
"""In the data folder."""

LOG_SUFFIXES = ("-wal", "-journal")
"""Of the files beside a database that may hold newer or former content of it, if a process was
killed or runs.
"""

USERS_LAYOUT = 9
"""SQLite's `user_version` of the file. The edge's list of migrations has as many steps."""


def users_layout(data: Path) -> int | None:
    """The layout of a data folder's users; None if it has none. Nothing is written beside the file,
    so the folder may be read-only. Raises NovaError.
    """
    path = data / USERS_PATH
    if not path.exists():
        return None
    try:
        return _layout_with_logs(path) if any(_logs(path)) else _stored_layout(path, "immutable=1")
    except (sqlite3.Error, OSError) as error:
        raise NovaError(f"cannot read {path}: {error}") from error


def _logs(path: Path) -> list[Path]:
    """The files beside a database that have content."""
    logs = [path.with_name(path.name + suffix) for suffix in LOG_SUFFIXES]
    return [log for log in logs if log.exists() and log.stat().st_size]


def _layout_with_logs(path: Path) -> int:
    """The layout in a copy: SQLite cannot read a log without writing beside it."""
    with TemporaryDirectory(prefix="nova-users-") as scratch:
        # The logs first: what a running edge moves from a log into the file meanwhile is in both.
        for source in (*_logs(path), path):
            shutil.copyfile(source, Path(scratch, source.name))
        return _stored_layout(Path(scratch, path.name), "mode=rw")


def _stored_layout(path: Path, options: str) -> int:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{options}", uri=True)) as db:
        (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)
