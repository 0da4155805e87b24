"""The stored history of logins, shared by the edges of a data folder."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from nova.edge.login_store import FILE_NAME, KNOWN_PER_ACCOUNT_MAX, LoginStore


def test_what_is_spent_and_known_outlives_a_restart(tmp_path: Path) -> None:
    """So that restarting an edge is no new hour of guesses."""
    first = LoginStore(tmp_path)
    with first.transaction():
        first.set_full_at("ann", "stranger", 200.0, 100.0)
        first.add_known("ann", "device", "d", 100.0)
    first.close()
    again = LoginStore(tmp_path)
    assert again.full_at("ann", "stranger") == 200.0
    assert again.full_at("ann", "device") == again.full_at("bob", "stranger") == 0.0
    assert again.is_known("ann", "device", "d", 100.0) and again.is_known_device("d")
    assert not again.is_known("ann", "device", "d", 101.0)
    assert not again.is_known("bob", "device", "d", 0.0)
    again.close()


def test_what_is_whole_again_leaves_no_row(tmp_path: Path) -> None:
    """Made-up names are kept as long as their failures count."""
    store = LoginStore(tmp_path)
    for number in range(1_000):
        store.set_full_at(f"name-{number}", "stranger", number + 10.0, float(number))
    assert store.row_count() <= 11
    store.close()


def test_an_account_has_the_latest_of_its_devices_and_addresses(tmp_path: Path) -> None:
    """However often and from wherever it is used."""
    store = LoginStore(tmp_path)
    for number in range(3 * KNOWN_PER_ACCOUNT_MAX):
        store.add_known("ann", "address", f"a{number}", float(number))
    assert store.row_count() == KNOWN_PER_ACCOUNT_MAX
    assert store.is_known("ann", "address", f"a{3 * KNOWN_PER_ACCOUNT_MAX - 1}", 0.0)
    assert not store.is_known("ann", "address", "a0", 0.0)
    store.close()


def test_a_reset_account_begins_anew(tmp_path: Path) -> None:
    """Others keep what they have."""
    store = LoginStore(tmp_path)
    for name in ("ann", "bob"):
        store.set_full_at(name, "stranger", 9.0, 1.0)
        store.add_known(name, "device", name, 1.0)
    store.reset("ann")
    assert not store.is_known_device("ann") and store.full_at("ann", "stranger") == 0.0
    assert store.is_known_device("bob") and store.full_at("bob", "stranger") == 9.0
    store.close()


@pytest.mark.parametrize("damage", ["garbage", "version"])
def test_a_file_that_cannot_be_used_is_made_anew(tmp_path: Path, damage: str) -> None:
    """It holds nothing that an edge could not start without."""
    path = tmp_path / FILE_NAME
    LoginStore(tmp_path).close()
    if damage == "garbage":
        path.write_bytes(b"no database at all" * 1_000)
    else:
        db = sqlite3.connect(path)
        db.execute("PRAGMA user_version = 99")
        db.close()
    store = LoginStore(tmp_path)
    assert store.row_count() == 0
    store.close()
    assert path.stat().st_mode & 0o077 == 0
