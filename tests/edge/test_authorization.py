"""Whether an access token or an API key is still good, request by request (A-271, AMB-62)."""

from __future__ import annotations

import random
import sqlite3
import string
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from nova.edge.access import Access
from nova.edge.authorization import Authorizer
from nova.edge.edge_database import FILE_NAME
from nova.edge.edge_stores import EdgeStores, open_stores
from nova.edge.errors import AccessError
from nova.edge.tokens import TokenSigner

TOKENS = TokenSigner(bytes(32), 3600)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[EdgeStores]:
    """The stores of an edge with one operator."""
    stores = open_stores(tmp_path)
    stores.users.add("ann", "hash", "operator", scopes=["sat1"])
    yield stores
    for store in stores:
        store.close()


def authorizer(stores: EdgeStores, cache_s: float = 0) -> Authorizer:
    return Authorizer(stores.users, stores.sessions, stores.keys, TOKENS, cache_s)


def token_of(stores: EdgeStores, signer: TokenSigner = TOKENS) -> str:
    """A good token of a new session of the operator."""
    user = stores.users.get("ann")
    assert user is not None
    session, _ = stores.sessions.start(user)
    return signer.issue(user, session.id)[0]


def key(stores: EdgeStores, name: str = "probe", expires: float | None = None) -> str:
    secret = stores.keys.add(name, "viewer", "admin", lanes=["parsed"], expires=expires)
    assert secret is not None
    return secret


def test_a_good_token_is_admitted_again_and_again(stores: EdgeStores) -> None:
    """One is good for many connections, with the rights that the user has."""
    gate, token = authorizer(stores), token_of(stores)
    access = gate.authorize(token)
    assert access == gate.authorize(token)
    gate.check(access)
    assert (access.name, access.kind, access.role) == ("ann", "user", "operator")
    assert (access.scopes, access.lanes) == (("sat1",), None)


def test_a_disabled_user_is_refused_and_so_are_old_tokens_after_that(stores: EdgeStores) -> None:
    """Letting the user in again does not bring the old token back."""
    gate, old = authorizer(stores), token_of(stores)
    access = gate.authorize(old)
    stores.users.set_enabled("ann", False)
    for _ in range(2):
        with pytest.raises(AccessError):
            gate.authorize(old)
        with pytest.raises(AccessError):
            gate.check(access)
        stores.users.set_enabled("ann", True)
    gate.authorize(token_of(stores))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET role = 'viewer'",
        "DELETE FROM users",
        "UPDATE users SET version = 9",
        "UPDATE users SET scopes = NULL, version = version + 1",
        "DELETE FROM sessions",
    ],
)
def test_what_another_process_changes_counts(
    stores: EdgeStores, tmp_path: Path, change: str
) -> None:
    """Several edges share the file."""
    gate, token = authorizer(stores), token_of(stores)
    access = gate.authorize(token)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        db.execute("PRAGMA foreign_keys = ON")
        db.execute(change)
        db.commit()
    with pytest.raises(AccessError):
        gate.authorize(token)
    with pytest.raises(AccessError):
        gate.check(access)


def test_a_token_fits_its_own_session_only(stores: EdgeStores) -> None:
    """The session of somebody else does not do, nor one that ended."""
    stores.users.add("bob", "hash", "operator")
    ann, bob = stores.users.get("ann"), stores.users.get("bob")
    assert ann is not None and bob is not None
    session, _ = stores.sessions.start(bob)
    gate = authorizer(stores, cache_s=3600)
    gate.authorize(TOKENS.issue(bob, session.id)[0])
    with pytest.raises(AccessError):
        gate.authorize(TOKENS.issue(ann, session.id)[0])
    stores.sessions.end("bob", session.id)
    gate.clear_cache()
    with pytest.raises(AccessError):
        gate.authorize(TOKENS.issue(bob, session.id)[0])


def test_the_database_is_read_once_in_a_while_only(stores: EdgeStores) -> None:
    """Between two looks the cache answers, so that requests do not wait for the file."""
    gate = authorizer(stores, cache_s=3600)
    access, by_key = gate.authorize(token_of(stores)), gate.authorize(key(stores))
    gate.check(by_key)
    stores.users.set_enabled("ann", False)
    stores.keys.revoke("probe")
    gate.check(access)
    gate.check(by_key)
    gate.clear_cache()
    for ended in (access, by_key):
        with pytest.raises(AccessError):
            gate.check(ended)


def test_an_expired_token_is_refused_without_a_look(stores: EdgeStores) -> None:
    """Expiry is checked at every request, not only when the token is read."""
    gate = authorizer(stores, cache_s=3600)
    access = gate.authorize(token_of(stores))
    past = Access(access.name, "user", access.role, time.time() - 1, session=access.session)
    with pytest.raises(AccessError, match="expired"):
        gate.check(past)


def test_a_key_gives_what_it_was_made_for(stores: EdgeStores) -> None:
    """Its name, role and lanes; the use is recorded."""
    gate = authorizer(stores)
    access = gate.authorize(key(stores))
    assert (access.name, access.kind, access.role) == ("probe", "key", "viewer")
    assert (access.scopes, access.lanes) == (None, ("parsed",))
    gate.check(access)
    used = stores.keys.get("probe")
    assert used is not None and used.last_used is not None


def test_a_revoked_and_an_expired_key_are_refused(stores: EdgeStores) -> None:
    """Connections that were made with them too."""
    gate = authorizer(stores)
    revoked, expired = key(stores), key(stores, "late", time.time() - 1)
    access = gate.authorize(revoked)
    stores.keys.revoke("probe")
    for secret in (revoked, expired):
        with pytest.raises(AccessError):
            gate.authorize(secret)
    with pytest.raises(AccessError):
        gate.check(access)


def test_a_key_of_the_same_name_is_another_key(stores: EdgeStores) -> None:
    """Connections of a revoked key end, even if a key just like it was added at once."""
    gate = authorizer(stores, cache_s=3600)
    old = gate.authorize(key(stores))
    gate.check(old)
    stores.keys.revoke("probe")
    new = gate.authorize(key(stores))
    gate.clear_cache()
    gate.check(new)
    with pytest.raises(AccessError):
        gate.check(old)


def mutated(dice: random.Random, text: str) -> str:
    """A text that differs in one to three places."""
    while True:
        parts = list(text)
        for _ in range(dice.randint(1, 3)):
            place = dice.randrange(len(parts) + 1)
            if dice.random() < 0.7 and place < len(parts):
                parts[place] = dice.choice(string.printable)
            elif dice.random() < 0.5:
                parts.insert(place, dice.choice(string.printable))
            else:
                parts[place : place + 1] = []
        if (changed := "".join(parts)) != text:
            return changed


def refresh_token_of(stores: EdgeStores) -> str:
    """The first refresh token of a new session of the operator."""
    user = stores.users.get("ann")
    assert user is not None
    return stores.sessions.start(user)[1]


def none_of_the_mutated_is_admitted(stores: EdgeStores, tries: int) -> None:
    gate, dice = authorizer(stores, cache_s=3600), random.Random(tries)
    renewing = refresh_token_of(stores)
    good = token_of(stores), key(stores), renewing
    admitting = (gate.authorize, gate.authorize, stores.sessions.refresh)
    for secret in good[:2]:
        gate.authorize(secret)
    for number in range(tries):
        with pytest.raises(AccessError):
            admitting[number % 3](mutated(dice, good[number % 3]))
    stores.sessions.refresh(renewing)  # None of them was taken for a reuse of it.


def no_replay_is_admitted(stores: EdgeStores, sessions: int) -> None:
    """Of any spent token of a session, in whose place the newest is good for nothing either."""
    dice = random.Random(sessions)
    for _ in range(sessions):
        newest, spent = refresh_token_of(stores), []
        for _ in range(dice.randint(1, 4)):
            spent.append(newest)
            _, newest = stores.sessions.refresh(newest)
        for token in (dice.choice(spent), newest, *spent):
            with pytest.raises(AccessError):
                stores.sessions.refresh(token)


def test_mutated_tokens_and_keys_are_refused(stores: EdgeStores) -> None:
    """A thousandth of them here, and replays of refresh tokens."""
    none_of_the_mutated_is_admitted(stores, 3_000)
    no_replay_is_admitted(stores, 20)


@pytest.mark.slow
def test_a_million_mutated_tokens_and_keys_are_refused(stores: EdgeStores) -> None:
    """1 million, and replays: 0 admitted."""
    none_of_the_mutated_is_admitted(stores, 1_000_000)
    no_replay_is_admitted(stores, 300)
