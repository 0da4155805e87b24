"""Logins that wait for a provider: for one browser, once, for ten minutes, and not too many."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.edge.edge_database import FILE_NAME
from nova.edge.oidc_error import OidcError
from nova.edge.pending_logins import PENDING_LIFETIME_S, PendingLogins
from tests.edge.stepped_clock import SteppedClock

URI = "https://nova.example.org/auth/oidc/callback"


def is_pending(logins: PendingLogins, state: str, browser: str) -> bool:
    """Whether a login could be ended, which it is."""
    try:
        logins.take(state, browser)
    except OidcError as error:
        assert error.reason == "unknownLogin"
        return False
    return True


def test_a_login_is_ended_once_by_its_browser_at_any_edge(tmp_path: Path) -> None:
    """A stranger's attempt ends nothing. The file holds neither state nor cookie."""
    with PendingLogins(tmp_path) as one, PendingLogins(tmp_path) as other:
        login = one.start("192.0.2.1", URI, "/admin")
        assert not is_pending(other, login.state, "another browser")
        assert not is_pending(other, "another state", login.browser)
        files = b"".join(path.read_bytes() for path in tmp_path.glob(f"{FILE_NAME}*"))
        assert login.pending.nonce.encode() in files
        assert login.state.encode() not in files and login.browser.encode() not in files
        assert other.take(login.state, login.browser) == login.pending
        assert not is_pending(one, login.state, login.browser)


def test_it_expires(tmp_path: Path) -> None:
    clock = SteppedClock()
    with PendingLogins(tmp_path, clock) as logins:
        kept, late = (logins.start("192.0.2.1", URI, "/") for _ in range(2))
        clock.now += PENDING_LIFETIME_S - 1
        assert is_pending(logins, kept.state, kept.browser)
        clock.now += 1
        assert not is_pending(logins, late.state, late.browser)


def test_there_are_not_too_many(tmp_path: Path) -> None:
    """An address displaces its own first one; of all together further ones are refused."""
    clock = SteppedClock()
    with PendingLogins(tmp_path, clock, pending_max=3, per_address_max=2) as logins:
        first = logins.start("192.0.2.1", URI, "/")
        clock.now += 1
        second = logins.start("192.0.2.1", URI, "/")
        clock.now += 1
        third = logins.start("192.0.2.1", URI, "/")
        other = logins.start("192.0.2.2", URI, "/")
        assert not is_pending(logins, first.state, first.browser)
        with pytest.raises(OidcError) as refusal:
            logins.start("192.0.2.3", URI, "/")
        assert refusal.value.reason == "tooManyLogins"
        assert all(is_pending(logins, one.state, one.browser) for one in (second, third, other))
        logins.start("192.0.2.3", URI, "/")
