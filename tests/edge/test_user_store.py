"""The store of users (A-270, AMB-61)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nova.edge.edge_database import FILE_NAME
from nova.edge.errors import LastAdminError
from nova.edge.user_store import UserStore


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


@pytest.mark.parametrize("change", ["disable", "demote", "delete", "limit"])
def test_the_last_enabled_admin_stays(users: UserStore, change: str) -> None:
    """Neither removed, disabled, demoted nor limited to scopes; another admin who is disabled or
    limited, and so cannot administer, does not count.
    """

    def apply() -> bool:
        if change == "disable":
            return users.set_enabled("admin", False)
        if change == "limit":
            return users.change("admin", scopes=["sat"])
        return users.change("admin", role="viewer") if change == "demote" else users.delete("admin")

    users.add("admin", "hash", "admin")
    users.add("other", "hash", "admin")
    users.set_enabled("other", False)
    users.add("limited", "hash", "admin", scopes=["sat"])
    before = users.list_users()
    with pytest.raises(LastAdminError):
        apply()
    assert users.list_users() == before
    users.set_enabled("other", True)
    assert apply()


def test_two_edges_cannot_remove_the_last_two_admins_at_once(
    users: UserStore, tmp_path: Path
) -> None:
    """The rule is checked inside the transaction, on whatever edge."""
    users.add("one", "hash", "admin")
    users.add("two", "hash", "admin")
    with UserStore(tmp_path / "edge") as other:
        users.set_enabled("one", False)
        with pytest.raises(LastAdminError):
            other.delete("two")


def test_a_later_user_of_the_same_name_is_another(users: UserStore) -> None:
    """A token of the deleted user must not fit."""
    users.add("admin", "hash", "admin")
    users.add("ann", "hash", "viewer")
    for _ in range(3):
        users.change("ann", role="operator")
    first = users.get("ann")
    users.delete("ann")
    users.add("ann", "hash", "viewer")
    second = users.get("ann")
    assert first is not None and second is not None and second.version > first.version


def test_every_change_is_seen_by_other_edges_and_a_new_hash_is_not(
    users: UserStore, tmp_path: Path
) -> None:
    """What ends sessions: enabled, role, scopes, password, deletion."""
    users.add("admin", "hash", "admin")
    users.add("ann", "hash", "viewer")
    with UserStore(tmp_path / "edge") as other:
        users.set_hash(users.list_users()[1], "rehashed")
        assert not other.has_changed()
        changes: list[Callable[[], bool]] = [
            lambda: users.set_enabled("ann", False),
            lambda: users.change("ann", role="operator"),
            lambda: users.change("ann", scopes=["sat1"]),
            lambda: users.set_password("ann", "new"),
            lambda: users.delete("ann"),
        ]
        for change in changes:
            assert change()
            assert other.has_changed() and not other.has_changed()
            assert users.has_changed()
        assert not users.set_enabled("ann", True)


def test_scopes_are_a_sorted_set(users: UserStore) -> None:
    """None are all; an empty list would be none."""
    users.add("ann", "hash", "viewer", scopes=["sat2", "sat1", "sat2"])
    found = users.get("ann")
    assert found is not None and found.scopes == ("sat1", "sat2")
    users.change("ann", scopes=None)
    found = users.get("ann")
    assert found is not None and found.scopes is None
