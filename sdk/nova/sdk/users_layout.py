"""The layout of the edges' database of users: what this version writes, and what a file has."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from nova.sdk.errors import NovaError

USERS_PATH = Path("edge", "users.db")
"""In the data folder."""

USERS_LAYOUT = 8
"""SQLite's `user_version` of the file. The edge's list of migrations has as many steps."""


def users_layout(data: Path) -> int | None:
    """The layout of a data folder's users; None if it has none. The file is only read."""
    path = data / USERS_PATH
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        raise NovaError(f"cannot read {path}: {error}") from error
    return int(version)
