"""The store of users (A-270, AMB-61)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from nova.edge.user_store import FILE_NAME, UserStore
from nova.sdk.errors import NovaError


@pytest.fixture
def users(tmp_path: Path) -> Iterator[UserStore]:
    """An empty store."""
    store = UserStore(tmp_path / "edge")
    yield store
    store.close()


def test_an_added_user_is_there_after_a_restart(users: UserStore, tmp_path: Path) -> None:
    """Username, hash, role and enabled flag are stored (A-270)."""
    assert users.is_empty()
    assert users.add("ann", "hash-1", "operator")
    users.close()
    again = UserStore(tmp_path / "edge")
    found = again.get("ann")
    again.close()
    assert found is not None
    assert (found.username, found.password_hash, found.role) == ("ann", "hash-1", "operator")
    assert (found.enabled, found.version) == (True, 1)


def test_a_taken_name_is_not_overwritten(users: UserStore) -> None:
    """Two edges that both make the first admin leave one of them."""
    assert users.add("admin", "first", "admin")
    assert not users.add("admin", "second", "viewer")
    found = users.get("admin")
    assert found is not None and found.password_hash == "first" and found.role == "admin"


def test_disabling_raises_the_version(users: UserStore) -> None:
    """So that tokens given before end, also after the user is let in again (AMB-62)."""
    users.add("ann", "hash", "viewer")
    users.set_enabled("ann", False)
    off = users.get("ann")
    users.set_enabled("ann", True)
    on = users.get("ann")
    assert off is not None and on is not None
    assert (off.enabled, off.version) == (False, 2)
    assert (on.enabled, on.version) == (True, 3)


def test_a_rehash_keeps_tokens_and_never_undoes_a_new_password(users: UserStore) -> None:
    """The hash is replaced only where it is still the one that was checked."""
    users.add("ann", "old", "viewer")
    seen = users.get("ann")
    assert seen is not None
    users.set_hash(seen, "stronger")
    users.set_hash(seen, "late")
    found = users.get("ann")
    assert found is not None
    assert (found.password_hash, found.version) == ("stronger", 1)


def test_the_file_is_for_its_owner_only(users: UserStore, tmp_path: Path) -> None:
    """Hashes are not for other users of the machine."""
    assert (tmp_path / "edge" / FILE_NAME).stat().st_mode & 0o077 == 0
    assert (tmp_path / "edge").stat().st_mode & 0o077 == 0
    assert users.is_empty()


def test_a_role_that_does_not_exist_is_refused_by_the_file(
    users: UserStore, tmp_path: Path
) -> None:
    """The roles are admin, operator and viewer (A-273), whoever writes."""
    users.add("ann", "hash", "viewer")
    db = sqlite3.connect(tmp_path / "edge" / FILE_NAME)
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("UPDATE users SET role = 'root'")
    db.close()


def test_a_newer_file_is_refused_with_words(users: UserStore, tmp_path: Path) -> None:
    """An older program must not guess what a newer one wrote."""
    users.close()
    path = tmp_path / "edge" / FILE_NAME
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(NovaError, match="version 99"):
        UserStore(tmp_path / "edge")
