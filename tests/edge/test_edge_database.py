"""The edge's database: its versions."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from nova.edge.edge_database import FILE_NAME, open_database
from nova.edge.key_store import KeyStore
from nova.edge.session_store import SessionStore
from nova.edge.user_store import UserStore
from nova.sdk.errors import NovaError

VERSION_1 = """
CREATE TABLE users (
    username TEXT PRIMARY KEY,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('admin', 'operator', 'viewer')),
    enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    version INTEGER NOT NULL DEFAULT 1,
    created TEXT NOT NULL
) STRICT;
INSERT INTO users VALUES ('admin', 'hash', 'admin', 1, 7, '2026-01-28T00:00:00Z');
PRAGMA user_version = 1;
"""


def test_a_file_of_the_first_version_is_taken_over(tmp_path: Path) -> None:
    """Its users keep their passwords and tokens, and see all scopes."""
    (tmp_path / "edge").mkdir()
    db = sqlite3.connect(tmp_path / "edge" / FILE_NAME)
    db.executescript(VERSION_1)
    db.close()
    for _ in range(2):
        with UserStore(tmp_path / "edge") as store:
            admin = store.get("admin")
            assert admin is not None and (admin.version, admin.scopes) == (7, None)
            assert not admin.must_change and admin.last_login is None
    with UserStore(tmp_path / "edge") as store:
        store.add("ann", "hash", "viewer")
        ann = store.get("ann")
        assert ann is not None and ann.version > 7


def test_a_newer_file_is_refused_with_words(tmp_path: Path) -> None:
    """An older program must not guess what a newer one wrote."""
    UserStore(tmp_path / "edge").close()
    path = tmp_path / "edge" / FILE_NAME
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(NovaError, match="version 99"):
        UserStore(tmp_path / "edge")


OTHER_PROCESS = """
import sys
from pathlib import Path
from nova.edge.key_store import KeyStore
from nova.edge.session_store import SessionStore
from nova.edge.user_store import UserStore
with UserStore(Path(sys.argv[1])) as users:
    users.set_password("ann", sys.argv[2])
"""


def test_a_file_that_is_locked_can_be_read(tmp_path: Path) -> None:
    """`nova users list` answers while another program writes."""
    with UserStore(tmp_path) as users:
        users.add("ann", "hash", "viewer")
        with closing(sqlite3.connect(tmp_path / FILE_NAME)) as other:
            other.execute("BEGIN IMMEDIATE")
            with closing(open_database(tmp_path)) as db:
                assert db.execute("SELECT username FROM users").fetchall() == [("ann",)]


def test_all_connections_of_a_process_see_what_another_process_wrote(tmp_path: Path) -> None:
    """Although several were opened one after the other: none drops the locks of the others."""
    with UserStore(tmp_path) as first, KeyStore(tmp_path), SessionStore(tmp_path):
        first.add("ann", "hash", "viewer")
        for password_hash in ("one", "two"):
            command = [sys.executable, "-c", OTHER_PROCESS, str(tmp_path), password_hash]
            subprocess.run(command, check=True)
            ann = first.get("ann")
            assert ann is not None and ann.password_hash == password_hash
            first.set_hash(ann, f"{password_hash} again")
