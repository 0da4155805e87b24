"""Slowing down of those who guess passwords (pitfalls 27)."""

from __future__ import annotations

import pytest

from edge.config import Limits
from edge.errors import BusyError
from edge.guessing import ACCOUNT_DELAY_FIRST_S, Guessing


def fail(guessing: Guessing, username: str, ip: str) -> float:
    """One failed login; returns how long it had to wait."""
    with guessing.attempt(username, ip) as attempt:
        attempt.failed()
        return attempt.delay_s


def test_an_account_is_slowed_after_a_few_failures_and_up_to_a_limit() -> None:
    """The first failures are free, then the wait doubles."""
    limits = Limits(account_free_failures=3, account_delay_max_s=2.0)
    guessing = Guessing(limits)
    waits = [fail(guessing, "admin", f"10.0.0.{sender}") for sender in range(8)]
    first = ACCOUNT_DELAY_FIRST_S
    assert waits == [0, 0, 0, first, 2 * first, 2.0, 2.0, 2.0]
    assert fail(guessing, "other", "10.0.0.1") == 0


def test_a_good_login_ends_the_slowing() -> None:
    """Whoever has proved who it is starts anew."""
    guessing = Guessing(Limits(account_free_failures=1))
    fail(guessing, "admin", "a")
    assert fail(guessing, "admin", "b") > 0
    with guessing.attempt("admin", "c") as attempt:
        attempt.succeeded()
    assert fail(guessing, "admin", "d") == 0


def test_an_address_is_refused_after_its_failures_and_others_are_not() -> None:
    """The refusal says when to come back."""
    guessing = Guessing(Limits(failures_per_ip_max=2, failures_window_s=60))
    fail(guessing, "a", "10.0.0.1")
    fail(guessing, "b", "10.0.0.1")
    with pytest.raises(BusyError) as refusal, guessing.attempt("c", "10.0.0.1"):
        pass
    assert 1 <= refusal.value.retry_after_s <= 61
    assert fail(guessing, "c", "10.0.0.2") == 0


def test_failures_outside_the_window_are_forgotten() -> None:
    """A window of nothing remembers nothing."""
    guessing = Guessing(Limits(failures_per_ip_max=1, failures_window_s=-1, account_memory_s=-1))
    for _ in range(5):
        assert fail(guessing, "admin", "10.0.0.1") == 0


def test_only_so_many_logins_wait_at_once() -> None:
    """Also those that are being slowed take a place."""
    guessing = Guessing(Limits(logins_pending_max=1))
    with (
        guessing.attempt("a", "1"),
        pytest.raises(BusyError),
        guessing.attempt("b", "2"),
    ):
        pass
    with guessing.attempt("c", "3") as attempt:
        assert attempt.delay_s == 0


def test_what_is_remembered_is_bounded() -> None:
    """The oldest accounts and addresses are forgotten first."""
    guessing = Guessing(Limits(failure_table_max=2, account_free_failures=1))
    for name in ("a", "b", "c"):
        fail(guessing, name, name)
    assert fail(guessing, "a", "x") == 0
    assert fail(guessing, "c", "y") > 0
