"""Whether a token is still valid, request by request (A-271, AMB-62)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from nova.edge.authorization import Authorizer
from nova.edge.edge_database import FILE_NAME
from nova.edge.errors import AccessError
from nova.edge.tokens import TokenSigner
from nova.edge.user_store import UserStore

TOKENS = TokenSigner(bytes(32), 3600)


@pytest.fixture
def users(tmp_path: Path) -> Iterator[UserStore]:
    """A store with one operator."""
    store = UserStore(tmp_path)
    store.add("ann", "hash", "operator")
    yield store
    store.close()


def token_of(users: UserStore) -> str:
    """A good token of the operator."""
    user = users.get("ann")
    assert user is not None
    return TOKENS.issue(user)[0]


def test_a_good_token_is_admitted_again_and_again(users: UserStore) -> None:
    """Tokens are stateless: one is good for many connections."""
    access = Authorizer(users, TOKENS, 0)
    token = token_of(users)
    assert access.authorize(token) == access.authorize(token)


def test_a_disabled_user_is_refused_and_so_are_old_tokens_after_that(users: UserStore) -> None:
    """Letting the user in again does not bring the old token back."""
    access = Authorizer(users, TOKENS, 0)
    old = token_of(users)
    users.set_enabled("ann", False)
    with pytest.raises(AccessError, match="disabled"):
        access.authorize(old)
    users.set_enabled("ann", True)
    with pytest.raises(AccessError, match="changed"):
        access.authorize(old)
    access.authorize(token_of(users))


@pytest.mark.parametrize(
    "change",
    ["UPDATE users SET role = 'viewer'", "DELETE FROM users", "UPDATE users SET version = 9"],
)
def test_what_another_process_changes_counts(users: UserStore, tmp_path: Path, change: str) -> None:
    """Several edges share the file."""
    access = Authorizer(users, TOKENS, 0)
    token = token_of(users)
    access.authorize(token)
    db = sqlite3.connect(tmp_path / FILE_NAME)
    db.execute(change)
    db.commit()
    db.close()
    with pytest.raises(AccessError):
        access.authorize(token)


def test_the_user_is_looked_up_once_in_a_while_only(users: UserStore) -> None:
    """Between two looks the cache answers, so that requests do not wait for the file."""
    access = Authorizer(users, TOKENS, 3600)
    claims = access.authorize(token_of(users))
    users.set_enabled("ann", False)
    access.check(claims)


def test_an_expired_token_is_refused_without_a_look(users: UserStore) -> None:
    """Expiry is checked at every request, not only when the token is read."""
    short = TokenSigner(bytes(32), -1)
    user = users.get("ann")
    assert user is not None
    _, claims = short.issue(user)
    with pytest.raises(AccessError, match="expired"):
        Authorizer(users, TOKENS, 3600).check(claims)
