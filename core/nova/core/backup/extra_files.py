"""What goes along with an archive on demand: the users of its edges, and the settings."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from nova.core.store.hot_copy import CopiedFile
from nova.sdk.document import DocumentError, parse_toml
from nova.sdk.errors import NovaError
from nova.sdk.regular_file import read_regular

EDGE_FOLDER = "edge"
USERS_FILE = "users.db"
LIMITS_FILE = "limits.db"
SESSION_TABLES = ("refresh_tokens", "sessions", "pending_logins")
"""Tables of users.db that a copy has empty: after a restore everybody logs in again, so a session
that was ended after the backup does not come back.
"""

SETTINGS_FOLDER = "settings"
CONFIG_FILE = "nova.toml"
FOLDER_SETTINGS = ("manifests", "alarm_rules", "definitions", "default_view", "displays")
"""The settings that name files of the user's own."""


def copied_users(data: Path, folder: Path) -> list[CopiedFile]:
    """Copies of the databases of an instance's edges, each as of one moment, made in `folder`."""
    found = []
    for name, emptied in ((USERS_FILE, SESSION_TABLES), (LIMITS_FILE, ())):
        source = data / EDGE_FOLDER / name
        if source.exists():
            copy = folder / name
            _copy_database(source, copy, emptied)
            found.append(_extra(f"{EDGE_FOLDER}/{name}", copy))
    return found


def _copy_database(source: Path, copy: Path, emptied: Sequence[str]) -> None:
    """Copy a SQLite database that may be in use, without the rows of some tables."""
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as reading,
            closing(sqlite3.connect(copy)) as writing,
        ):
            reading.backup(writing)
            writing.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
            rows = writing.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = {name for (name,) in rows}
            for table in emptied:
                if table in tables:
                    writing.execute(f"DELETE FROM {table}")
            writing.commit()
            writing.execute("VACUUM")  # deleted rows leave the file
            [(fault,)] = writing.execute("PRAGMA quick_check(1)")
    except sqlite3.Error as error:
        raise NovaError(f"cannot copy {source}: {error}") from error
    if fault != "ok":
        raise NovaError(f"{source} is damaged: {fault}")


def copied_settings(config: Path, folder: Path) -> list[CopiedFile]:
    """The configuration file, and the files that it names."""
    try:
        content = read_regular(config)
        named = parse_toml(content)
    except OSError as error:
        raise NovaError(f"cannot read {config}: {error.strerror}") from error
    except DocumentError as error:
        raise NovaError(f"{config} {error}") from None
    copy = folder / CONFIG_FILE
    copy.write_bytes(content)
    found = [_extra(f"{SETTINGS_FOLDER}/{CONFIG_FILE}", copy)]
    for setting in FOLDER_SETTINGS:
        if isinstance(value := named.get(setting), str):
            top = Path(value)
            for path in _files(top):
                inside = path.relative_to(top.parent)
                found.append(_extra(f"{SETTINGS_FOLDER}/{setting}/{inside}", path))
    return found


def _files(top: Path) -> Iterator[Path]:
    if top.is_file():
        yield top
    else:
        yield from (path for path in sorted(top.rglob("*")) if path.is_file())


def _extra(name: str, path: Path) -> CopiedFile:
    return CopiedFile(name, path, path.stat().st_size, "")
