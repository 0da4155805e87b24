"""The layout of the users is read without a trace, whatever an edge left beside the file."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from nova.sdk.errors import NovaError
from nova.sdk.users_layout import USERS_PATH, users_layout


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {one.name: (one.stat().st_mtime_ns, one.read_bytes()) for one in folder.iterdir()}


def read(data: Path) -> int | None:
    """The layout; the folder is the same before and after."""
    folder = (data / USERS_PATH).parent
    before = contents(folder)
    layout = users_layout(data)
    assert contents(folder) == before
    return layout


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder whose users an edge of layout 3 has closed in order."""
    path = tmp_path / "data" / USERS_PATH
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA user_version = 3")
    return tmp_path / "data"


def test_nothing_is_made_beside_a_closed_file(data: Path) -> None:
    assert read(data) == 3
    assert [path.name for path in (data / USERS_PATH).parent.iterdir()] == [USERS_PATH.name]


def test_what_is_only_in_the_log_counts(data: Path, tmp_path: Path) -> None:
    """Of an edge that runs, and of one that was killed."""
    killed = tmp_path / "killed"
    with closing(sqlite3.connect(data / USERS_PATH, isolation_level=None)) as db:
        db.execute("PRAGMA user_version = 5")
        assert read(data) == 5
        shutil.copytree(data, killed, ignore=shutil.ignore_patterns("*-shm"))
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert read(data) == 5, "of an empty log"
    assert read(killed) == 5


def test_a_change_that_was_not_finished_does_not_count(data: Path, tmp_path: Path) -> None:
    """A journal beside the file has the content before it."""
    torn = tmp_path / "torn"
    with closing(sqlite3.connect(data / USERS_PATH, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("CREATE TABLE filler (content BLOB)")
        db.execute("PRAGMA cache_size = 1")  # The journal is complete before the end.
        db.execute("BEGIN")
        db.execute("PRAGMA user_version = 6")
        db.executemany("INSERT INTO filler VALUES (?)", [(bytes(9000),)] * 50)
        shutil.copytree(data, torn)
        db.execute("COMMIT")
    shutil.copyfile(data / USERS_PATH, torn / USERS_PATH)
    assert (read(data), read(torn)) == (6, 3)


def test_what_is_no_database_is_named(data: Path) -> None:
    (data / USERS_PATH).write_bytes(b"no database" * 1000)
    with pytest.raises(NovaError, match=r"cannot read .*users\.db: file is not a database"):
        read(data)
    assert users_layout(data.parent) is None
