"""API keys: shown once, stored as digests, revoked for good."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nova.edge.edge_database import FILE_NAME
from nova.edge.key_store import KEY_PREFIX, LAST_USED_STEP_S, KeyStore
from nova.edge.user_store import UserStore
from tests.edge.stepped_clock import SteppedClock


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def keys(tmp_path: Path, clock: SteppedClock) -> Iterator[KeyStore]:
    with KeyStore(tmp_path, clock) as keys:
        yield keys


def test_a_key_is_found_by_its_secret_and_listed_without_it(keys: KeyStore, tmp_path: Path) -> None:
    """The secret is in no file."""
    secret = keys.add("probe", "operator", "admin", scopes=["b", "a"], lanes=["ui"])
    assert secret is not None and secret.startswith(KEY_PREFIX) and len(secret) == 48
    found = keys.find(secret)
    assert found is not None and [found] == keys.list_keys() and found == keys.get("probe")
    assert (found.role, found.created_by, found.scopes) == ("operator", "admin", ("a", "b"))
    assert found.lanes == ("ui",) and found.expires is None and found.last_used is None
    keys.close()
    held = b"".join(path.read_bytes() for path in tmp_path.glob(f"{FILE_NAME}*"))
    assert secret.encode() not in held and secret[5:].encode() not in held


def test_a_name_is_of_one_key_or_user(keys: KeyStore, tmp_path: Path) -> None:
    """On the timeline a name must mean one of them."""
    with UserStore(tmp_path) as users:
        users.add("ann", "hash", "viewer")
        assert keys.add("ann", "viewer", "admin") is None
        assert keys.add("probe", "viewer", "admin") is not None
        assert keys.add("probe", "viewer", "admin") is None
        assert not users.add("probe", "hash", "viewer")


def test_a_revoked_key_is_gone_and_other_edges_are_told(keys: KeyStore, tmp_path: Path) -> None:
    secret = keys.add("probe", "viewer", "admin")
    assert secret is not None
    with UserStore(tmp_path) as users:
        assert keys.revoke("probe") and users.has_changed()
        assert not keys.revoke("probe")
    assert keys.find(secret) is None and keys.get("probe") is None
    again = keys.add("probe", "viewer", "admin")
    assert again != secret and keys.find(secret) is None


def test_an_expired_key_is_listed_and_good_for_nothing(keys: KeyStore, clock: SteppedClock) -> None:
    secret = keys.add("probe", "viewer", "admin", expires=clock.now + 10)
    assert secret is not None and keys.find(secret) is not None
    clock.now += 10
    assert keys.find(secret) is None and keys.get("probe") is None
    assert [key.name for key in keys.list_keys()] == ["probe"]


def test_uses_are_recorded_to_the_minute(keys: KeyStore, clock: SteppedClock) -> None:
    """And do not wake other edges."""
    secret = keys.add("probe", "viewer", "admin")
    key = keys.find(secret or "")
    assert key is not None
    times = []
    for _ in range(3):
        keys.record_use(key)
        found = keys.get("probe")
        assert found is not None
        times.append(found.last_used)
        clock.now += LAST_USED_STEP_S / 2
    assert times == [times[0], times[0], clock.now - LAST_USED_STEP_S / 2]


@pytest.mark.parametrize("secret", ["", KEY_PREFIX, KEY_PREFIX + "a" * 43, "\x00", "\ud800" * 48])
def test_what_is_no_key_finds_nothing(keys: KeyStore, secret: str) -> None:
    keys.add("probe", "viewer", "admin")
    assert keys.find(secret) is None
