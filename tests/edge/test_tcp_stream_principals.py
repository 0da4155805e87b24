"""With whose eyes TCP streams read: nobody inherits a stream by a name."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from nova.edge.access import Access
from nova.edge.actor import Actor, actor_of
from nova.edge.edge_database import FILE_NAME
from nova.edge.key_store import KeyStore
from nova.edge.tcp_stream_changes import TcpStreamChanges
from nova.edge.tcp_stream_info import may_change, may_see
from nova.edge.tcp_stream_principals import TcpStreamPrincipals
from nova.edge.tcp_stream_store import StoredStream, TcpStreamStore
from nova.edge.user_store import UserStore
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.tcp_streams import TcpStreamDefinition
from nova.testkit.ports import free_port


class People:
    """A folder whose users and keys come and go, and have streams."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.users, self.keys = UserStore(folder), KeyStore(folder)
        self.store = TcpStreamStore(folder)
        self.principals = TcpStreamPrincipals(self.users, self.keys)
        self.changes = TcpStreamChanges(self.store, self.principals.access_of)

    def user(self, *scopes: str) -> Access:
        """A new user `ann`, as a session of hers is admitted."""
        assert self.users.add("ann", "hash", "operator", scopes=scopes or None)
        ann = self.users.get("ann")
        assert ann is not None
        return Access("ann", "user", ann.role, math.inf, ann.scopes, user_id=ann.id)

    def key(self, *scopes: str) -> Access:
        """A new key `probe`, as it is admitted."""
        secret = self.keys.add("probe", "operator", "admin", scopes=scopes or None)
        key = self.keys.find(secret or "")
        assert key is not None
        return Access("probe", "key", key.role, math.inf, key.scopes, key_id=key.id)

    def create(self, access: Access, name: str) -> StoredStream:
        wanted = TcpStreamDefinition(name=name, port=free_port())
        by = actor_of(access)
        return self.changes.create(wanted, access, by, enabled=True, is_ground=False)

    def problem(self, stream: StoredStream) -> str:
        """Why a stream cannot read."""
        with pytest.raises(ProtocolError) as refused:
            self.principals.access_of(stream)
        assert refused.value.code == "badStream"
        with pytest.raises(ProtocolError, match="with whose access"):
            self.changes.start(stream, Actor("admin", "user"), is_ground=False)
        return refused.value.message


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    people = People(tmp_path)
    yield people
    for store in (people.users, people.keys, people.store):
        store.close()


@pytest.mark.parametrize("kind", ["user", "key"])
def test_a_later_one_of_the_name_inherits_no_stream(people: People, kind: str) -> None:
    """Neither one that runs, nor one that a session or a key still admitted creates after its end;
    and the earlier one gets nothing of the later one's.
    """
    admitted = people.user if kind == "user" else people.key
    earlier = admitted("a")
    running = people.create(earlier, "running")
    assert people.principals.access_of(running).scopes == ("a",)
    assert may_change(earlier, running)
    if kind == "user":
        people.users.delete("ann")
    else:
        people.keys.revoke("probe")
    gone = people.problem(running)
    later = admitted()
    stored, late = people.store.get(running.id), people.create(earlier, "late")
    assert stored is not None
    for stream in (running, stored, late):
        assert people.problem(stream) == gone and "delete the stream" in gone
        assert not may_see(later, stream) and not may_change(later, stream)
    assert ("user" in gone) == (kind == "user") and "enable" not in gone
    own = people.create(later, "own")
    assert people.principals.access_of(own).scopes is None and may_change(later, own)
    assert not may_see(earlier, own) and not may_change(earlier, own)


def test_a_disabled_user_may_be_enabled(people: People) -> None:
    """The stream then reads again; an expired key says what to do instead."""
    stream = people.create(people.user(), "of-user")
    people.users.set_enabled("ann", False)
    assert "enable the user" in people.problem(stream)
    people.users.set_enabled("ann", True)
    assert people.principals.access_of(stream).name == "ann"
    key = people.create(people.key(), "of-key")
    with closing(sqlite3.connect(people.folder / FILE_NAME, isolation_level=None)) as db:
        db.execute("UPDATE api_keys SET expires = 1.0")
    assert "expired" in people.problem(key) and "another key" in people.problem(key)


FORMER = """
DROP TABLE display_defaults;
DROP TABLE display_versions;
DROP TABLE displays;
DROP TABLE streams;
CREATE TABLE streams (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, port INTEGER NOT NULL UNIQUE,
    definition TEXT NOT NULL, enabled INTEGER NOT NULL, created REAL NOT NULL,
    created_by TEXT NOT NULL, creator_kind TEXT NOT NULL
) STRICT;
ALTER TABLE users DROP COLUMN id;
CREATE TRIGGER streams_of_deleted_user AFTER DELETE ON users BEGIN SELECT 1; END;
CREATE TRIGGER streams_of_revoked_key AFTER DELETE ON api_keys BEGIN SELECT 1; END;
PRAGMA user_version = 7;
"""
HELD = (("ann", "user"), ("probe", "key"), ("root", "local"))
LOST = (("bob", "user"), ("ann", "gone"), ("ann", "key"))


def test_streams_of_a_former_file_stay_with_their_creators(tmp_path: Path) -> None:
    """Those that were created before their creator was are of an earlier one of the name."""
    with UserStore(tmp_path) as users, KeyStore(tmp_path) as keys:
        users.add("ann", "hash", "operator")
        keys.add("probe", "operator", "admin")
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        db.executescript(FORMER)
        former = [(9e9, *one) for one in (*HELD, *LOST)] + [(1.0, *one) for one in HELD[:2]]
        for number, (created, by, kind) in enumerate(former):
            definition = f'{{"name":"{number}","port":{number + 1}}}'
            row = (f"{number}", f"{number}", number + 1, definition, created, by, kind)
            db.execute("INSERT INTO streams VALUES (?, ?, ?, ?, 1, ?, ?, ?)", row)
        db.commit()
    people = People(tmp_path)
    streams = people.store.list_streams()
    assert len(streams) == len(former)
    for stream in streams[: len(HELD)]:
        assert people.principals.access_of(stream).name == stream.created_by
    for stream in streams[len(HELD) :]:
        assert "delete the stream" in people.problem(stream)
    for store in (people.users, people.keys, people.store):
        store.close()
