"""Throttling of password guesses (pitfalls 27), with a simulated clock."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from nova.edge.errors import LoginBusyError
from nova.edge.login_store import LoginStore
from nova.edge.login_throttle import (
    ADDRESS,
    DEVICE,
    FILE_RETRY_S,
    NETWORKS_MAX,
    NEWCOMER_RESERVE,
    STRANGER,
    LoginClient,
    LoginThrottle,
)
from tests.edge.stepped_clock import SteppedClock

HOUR_S = 3_600
FAILURES_AN_HOUR_MAX = 20
OWNER = LoginClient("203.0.113.9", "d" * 64)


@pytest.fixture
def clock() -> SteppedClock:
    """A clock."""
    return SteppedClock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LoginStore]:
    """The file of the edges."""
    store = LoginStore(tmp_path)
    yield store
    store.close()


@pytest.fixture
def guessing(store: LoginStore, clock: SteppedClock) -> LoginThrottle:
    """What bounds the guesses."""
    return LoginThrottle(store, clock)


def fail(guessing: LoginThrottle, username: str, client: LoginClient) -> bool:
    """One wrong password; False if it was not looked at."""
    try:
        guessing.preview(username, client)
        guessing.reserve(username, client).fail()
    except LoginBusyError as error:
        assert error.retry_after_s >= 1
        guessing.record_refusal(client)
        return False
    return True


def log_in(
    guessing: LoginThrottle, username: str, client: LoginClient, device: str = "x" * 64
) -> bool:
    """The right password; False if it was not looked at."""
    try:
        guessing.preview(username, client)
        guessing.reserve(username, client).succeed(client.device or device)
    except LoginBusyError:
        guessing.record_refusal(client)
        return False
    return True


def failures(guessing: LoginThrottle, username: str, *clients: LoginClient) -> int:
    """How many wrong passwords are looked at before all clients are refused."""
    count = 0
    while any([fail(guessing, username, client) for client in clients]):
        count += 1
    return count


def crowd(count: int) -> list[LoginClient]:
    """Clients of as many networks."""
    return [LoginClient(f"10.{number // 250}.{number % 250}.7") for number in range(count)]


def test_all_allowances_together_are_no_more_than_twenty_an_hour() -> None:
    """At the most: all that is there at once, and all that comes back meanwhile."""
    most = sum(one.burst + HOUR_S / one.interval_s for one in (DEVICE, ADDRESS, STRANGER))
    assert most <= FAILURES_AN_HOUR_MAX


@pytest.mark.parametrize("seed", range(3))
def test_no_hour_has_more_whatever_clients_and_times(
    guessing: LoginThrottle, clock: SteppedClock, seed: int
) -> None:
    """Known and unknown clients, in bursts and evenly, with the owner logging in meanwhile."""
    draw = random.Random(seed)
    log_in(guessing, "ann", OWNER)
    clients = [
        *crowd(120),
        OWNER,
        LoginClient(OWNER.address),
        LoginClient("192.0.2.1", OWNER.device),
    ]
    at: list[float] = []
    for _ in range(6_000):
        clock.now += draw.choice((0.0, 0.1, 1.0, 10.0))
        if fail(guessing, "ann", draw.choice(clients)):
            at.append(clock.now)
        if draw.random() < 0.01:
            log_in(guessing, "ann", OWNER)
    most = max(sum(begin <= time <= begin + HOUR_S for time in at) for begin in at)
    assert FAILURES_AN_HOUR_MAX / 2 < most <= FAILURES_AN_HOUR_MAX


def test_the_owner_comes_in_while_strangers_guess(guessing: LoginThrottle) -> None:
    """By the cookie of the browser or by the address, and mistypes meanwhile."""
    assert log_in(guessing, "ann", OWNER)
    failures(guessing, "ann", *crowd(200))
    elsewhere, without_cookie = LoginClient("192.0.2.1", OWNER.device), LoginClient(OWNER.address)
    for client in (elsewhere, without_cookie):
        assert fail(guessing, "ann", client)
        assert log_in(guessing, "ann", client)
    assert log_in(guessing, "ann", OWNER)


def test_the_cookie_lets_in_from_an_address_that_guesses(guessing: LoginThrottle) -> None:
    """As behind a proxy that all clients share."""
    shared = LoginClient("192.0.2.1")
    assert log_in(guessing, "ann", LoginClient("192.0.2.1", OWNER.device))
    failures(guessing, "ann", shared, *crowd(200))
    assert not log_in(guessing, "ann", shared)
    assert log_in(guessing, "ann", LoginClient("192.0.2.1", OWNER.device))


def test_a_newcomer_comes_in_while_a_crowd_guesses(
    guessing: LoginThrottle, clock: SteppedClock
) -> None:
    """From a network that has not failed; the crowd's novelty is spent within its first minute."""
    guessers = crowd(120)
    failures(guessing, "ann", *guessers)
    for minute in range(1, 60):
        clock.now += 61
        failures(guessing, "ann", *guessers)
        assert log_in(guessing, "ann", LoginClient(f"198.51.{minute}.1")), minute


def test_neighbours_are_no_newcomers(guessing: LoginThrottle) -> None:
    """Whoever has a network whole has one chance in it, not as many as addresses."""
    failures(guessing, "ann", *(LoginClient(f"10.0.0.{number}") for number in range(200)))
    assert log_in(guessing, "ann", LoginClient("198.51.100.1"))
    ipv6 = [LoginClient(f"2001:db8:1:{number:x}::1") for number in range(200)]
    assert failures(guessing, "bob", *ipv6) <= STRANGER.burst - NEWCOMER_RESERVE


def test_a_guesser_locks_nobody_else_out_of_his_address(guessing: LoginThrottle) -> None:
    """Ten others behind the same proxy, who have never been there."""
    shared = LoginClient("192.0.2.1")
    for name in ("ann", "bob"):
        failures(guessing, name, shared)
    assert all(log_in(guessing, f"user-{number}", shared) for number in range(10))


def test_names_that_exist_are_refused_as_soon_as_others(guessing: LoginThrottle) -> None:
    """Also at the address where their owner logs in."""
    assert log_in(guessing, "ann", OWNER)
    here = LoginClient(OWNER.address)
    assert failures(guessing, "ann", here) == failures(guessing, "nobody", here)
    there = LoginClient("192.0.2.1")
    assert failures(guessing, "bob", there) == failures(guessing, "nobody-2", there)


def test_a_right_password_gives_back_and_forgives_nothing(guessing: LoginThrottle) -> None:
    """Logins are unlimited; they do not buy a guesser new guesses."""
    stranger = LoginClient("192.0.2.1")
    assert all(log_in(guessing, "ann", LoginClient(f"192.0.{n}.1")) for n in range(100))
    failures(guessing, "ann", *crowd(100))
    assert log_in(guessing, "ann", LoginClient("192.0.3.1"))
    assert not fail(guessing, "ann", crowd(100)[0])
    assert fail(guessing, "bob", stranger)


def test_logins_side_by_side_are_not_taken_for_failures(guessing: LoginThrottle) -> None:
    """What those under way have taken may come back: who looks meanwhile may wait for it."""
    stranger = LoginClient("192.0.2.1")
    attempts = [guessing.reserve("ann", stranger) for _ in range(STRANGER.burst - NEWCOMER_RESERVE)]
    guessing.preview("ann", stranger)
    attempts[0].cancel()
    guessing.reserve("ann", stranger).fail()
    for attempt in attempts[1:]:
        attempt.fail()
    with pytest.raises(LoginBusyError, match="too many failed logins of this account"):
        guessing.preview("ann", stranger)


def test_edges_and_restarts_do_not_multiply_the_guesses(
    store: LoginStore, clock: SteppedClock, tmp_path: Path
) -> None:
    """They share one file."""
    other = LoginStore(tmp_path)
    first, second = LoginThrottle(store, clock), LoginThrottle(other, clock)
    log_in(first, "ann", OWNER)
    count = failures(first, "ann", *crowd(200))
    assert failures(second, "ann", *crowd(200)) <= NEWCOMER_RESERVE
    assert count + failures(LoginThrottle(other, clock), "ann", *crowd(200)) <= STRANGER.burst
    assert log_in(second, "ann", OWNER)
    other.close()


def test_a_clock_that_goes_back_locks_nobody_out_for_longer(
    guessing: LoginThrottle, clock: SteppedClock
) -> None:
    """A day back, and the allowance is whole again an interval after an interval."""
    failures(guessing, "ann", LoginClient("192.0.2.1"))
    clock.now -= 86_400
    failures(guessing, "ann", LoginClient("192.0.2.1"))
    clock.now += STRANGER.burst * STRANGER.interval_s
    assert log_in(guessing, "ann", LoginClient("192.0.2.1"))


def test_a_full_disk_does_not_stop_logins(
    store: LoginStore, guessing: LoginThrottle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Failures are counted all the same."""
    store._db.execute("PRAGMA query_only = ON")  # noqa: SLF001
    assert failures(guessing, "ann", LoginClient("192.0.2.1")) == STRANGER.burst - NEWCOMER_RESERVE
    assert log_in(guessing, "bob", LoginClient("192.0.2.1"))


def test_a_file_that_another_program_holds_is_not_tried_again_at_once(
    store: LoginStore, clock: SteppedClock
) -> None:
    """Each try may block the edge for a while; later the file is used again."""
    monotonic = SteppedClock()
    throttle = LoginThrottle(store, clock, monotonic)
    store._db.execute("PRAGMA query_only = ON")  # noqa: SLF001
    throttle.reserve("ann", OWNER).fail()
    store._db.execute("PRAGMA query_only = OFF")  # noqa: SLF001
    throttle.reserve("ann", OWNER).fail()
    assert store.accounts(clock.now) == 0
    monotonic.now += FILE_RETRY_S
    throttle.reserve("ann", OWNER).fail()
    assert store.accounts(clock.now) == 1


def test_what_is_remembered_is_bounded(guessing: LoginThrottle) -> None:
    """However many networks are refused."""
    failures(guessing, "ann", LoginClient("192.0.2.1"))
    for number in range(NETWORKS_MAX + 10):
        client = LoginClient(f"10.{number >> 8 & 255}.{number & 255}.{number >> 16}")
        guessing._count_failure(client)  # noqa: SLF001
    assert len(guessing._failures) <= NETWORKS_MAX  # noqa: SLF001
