"""Throttles password guessing: each account allows a limited number of failures per hour from all
clients together, and reserves most of them for clients that probably belong to its owner.

An account has separate allowances, so that a stranger cannot use up the owner's:

- `device`: browsers that have logged in to the account before and send their device cookie;
- `address`: addresses from which the account was recently logged in to;
- `stranger`: all other clients. Its last failures are reserved for newcomers, which are networks
  without a failure in the last hour, at one per minute. A crowd of attackers no longer counts as
  newcomers by then.

A login with the right password refunds its cost. Known and unknown usernames are treated alike.
"""

from __future__ import annotations

import logging
import math
import sqlite3
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from nova.edge.client_address import network_of, rate_limit_key
from nova.edge.errors import LoginBusyError
from nova.edge.login_store import LoginStore

log = logging.getLogger(__name__)

DAY_S = 86_400.0
DEVICE_MEMORY_S = 90 * DAY_S
ADDRESS_MEMORY_S = 30 * DAY_S
NEWCOMER_AFTER_S = 3_600.0
FILE_RETRY_S = 10.0
NETWORKS_MAX = 50_000
"""Networks with a recent failure that one edge remembers; the most recent stay."""


class FailureAllowance(NamedTuple):
    """A token bucket: up to `burst` failures at once, and one more per `interval_s`."""

    name: str
    burst: int
    interval_s: float


DEVICE = FailureAllowance("device", 2, 1_800.0)
ADDRESS = FailureAllowance("address", 3, 900.0)
STRANGER = FailureAllowance("stranger", 5, 900.0)
NEWCOMER = FailureAllowance("newcomer", 1, 60.0)
"""Rate at which newcomers may use the reserve; each use also costs one of `STRANGER`."""

FAILURES_PER_HOUR_MAX = sum(
    one.burst + int(NEWCOMER_AFTER_S / one.interval_s) for one in (DEVICE, ADDRESS, STRANGER)
)
"""Of one account, whatever the clients."""

NEWCOMER_RESERVE = 2
"""The part of `STRANGER` that other strangers cannot use. What remains for them equals `ADDRESS`:
a guesser must not learn from the count whether the account is used from the guesser's address.
"""

TOO_MANY_FAILURES = "too many failed logins of this account"
KNOWN_BROWSER_HINT = ", or from a browser that has logged in to it before"

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class LoginClient:
    """A login's address, and the digest of the device token in its cookie."""

    address: str
    device: str | None = None


class QueueRank(NamedTuple):
    """The order of the login queue: known clients, then networks with the fewest failures."""

    is_stranger: bool
    failures: int
    network: str


class AccountHold(NamedTuple):
    """The failures of an account that still count, and until when no password of it is checked from
    known browsers, from known addresses, and from strangers that are no newcomers; None if it is.
    """

    failures: int
    browsers_until: float | None
    addresses_until: float | None
    strangers_until: float | None


class NetworkHold(NamedTuple):
    """The failures of a network at this edge, and until when it is no newcomer."""

    network: str
    failures: int
    until: float


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """One admitted password check; `reserved` is refunded if the password is right."""

    throttle: LoginThrottle
    username: str
    client: LoginClient
    reserved: tuple[FailureAllowance, ...]

    def fail(self) -> None:
        self.throttle.finish(self, refund=False)

    def cancel(self) -> None:
        """The password was not checked."""
        self.throttle.finish(self, refund=True)

    def succeed(self, device: str) -> None:
        """The password was right: refund the cost and mark the client as known to the account."""
        self.throttle.finish(self, refund=True)
        self.throttle.remember_client(self.username, self.client, device)


class LoginThrottle:
    """Decides which logins may check a password now."""

    def __init__(
        self,
        store: LoginStore,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._monotonic = monotonic
        self._file_after_s = -math.inf
        self._memory_store: LoginStore | None = None
        self._clock = clock
        self._in_progress: Counter[tuple[str, str]] = Counter()
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def preview(self, username: str, client: LoginClient) -> tuple[QueueRank, str]:
        """The queue rank of a login and the allowance that it would use; raises LoginBusyError.

        Nothing is taken yet. What running logins have taken counts as available, since each of them
        may still be right and refund it.
        """
        choice = self._with_store(
            lambda store: self._choose(store, username, client, self._in_progress)
        )
        if not choice:
            raise self._refusal(username, client)
        network = network_of(client.address)
        return QueueRank(STRANGER in choice, self._failures_of(network), network), choice[0].name

    def reserve(self, username: str, client: LoginClient) -> LoginAttempt:
        """Take the cost of one password check; raises LoginBusyError if no allowance is left."""
        choice = self._with_store(lambda store: self._reserve_in(store, username, client))
        if not choice:
            raise self._refusal(username, client)
        for allowance in choice:
            self._in_progress[username, allowance.name] += 1
        return LoginAttempt(self, username, client, choice)

    def record_refusal(self, client: LoginClient) -> None:
        """Count a refused login, by an allowance or by a full queue, as a failure of its network.

        Otherwise a crowd would count as newcomers for as long as it is refused.
        """
        self._count_failure(client)

    def finish(self, attempt: LoginAttempt, *, refund: bool) -> None:
        """Finish an attempt: refund its cost, or count a failure."""
        for allowance in attempt.reserved:
            key = attempt.username, allowance.name
            self._in_progress[key] -= 1
            if not self._in_progress[key]:
                del self._in_progress[key]
        if refund:
            self._with_store(lambda store: self._refund_in(store, attempt))
        else:
            self._count_failure(attempt.client)

    def remember_client(self, username: str, client: LoginClient, device: str) -> None:
        """Record that the account was logged in to by this client."""

        def write(store: LoginStore) -> None:
            with store.transaction():
                now = self._clock()
                store.add_known(username, "address", rate_limit_key(client.address), now)
                store.add_known(username, "device", device, now)

        self._with_store(write)

    def is_known_device(self, device: str) -> bool:
        """Whether any account was logged in to with this device."""
        return self._with_store(lambda store: store.is_known_device(device))

    def hold_of(self, username: str) -> AccountHold:
        """How an account is held back now."""
        return self._with_store(lambda store: self._hold_in(store, username))

    def names_held(self) -> int:
        """How many names have failures that still count, those that no user has included."""
        return self._with_store(lambda store: store.accounts(self._clock()))

    def networks_held(self) -> list[NetworkHold]:
        """The networks with recent failures."""
        now = self._clock()
        return [
            NetworkHold(network, count, last + NEWCOMER_AFTER_S)
            for network, (count, last) in self._failures.items()
            if now - last < NEWCOMER_AFTER_S
        ]

    def release(self, username: str) -> None:
        """Forget the failures of an account."""
        self._with_store(lambda store: store.release(username))

    def _hold_in(self, store: LoginStore, username: str) -> AccountHold:
        now = self._clock()
        failures = sum(
            math.ceil((self._full_at(store, username, one, now) - now) / one.interval_s)
            for one in (DEVICE, ADDRESS, STRANGER)
            if store.full_at(username, one.name) > now
        )
        waits = (
            self._wait_s(store, username, one, left)
            for one, left in ((DEVICE, 0), (ADDRESS, 0), (STRANGER, NEWCOMER_RESERVE))
        )
        return AccountHold(failures, *(now + wait if wait > 0 else None for wait in waits))

    def _refusal(self, username: str, client: LoginClient) -> LoginBusyError:
        """The error with the time until the next attempt is possible."""
        waits = self._with_store(
            lambda store: [
                max(self._wait_s(store, username, one, left) for one, left in option)
                for option in self._options(store, username, client)
            ]
        )
        return LoginBusyError(max(1, math.ceil(min(waits))), TOO_MANY_FAILURES, KNOWN_BROWSER_HINT)

    def _reserve_in(
        self, store: LoginStore, username: str, client: LoginClient
    ) -> tuple[FailureAllowance, ...]:
        with store.transaction():
            choice = self._choose(store, username, client, Counter())
            now = self._clock()
            for allowance in choice:
                spent_until = self._full_at(store, username, allowance, now)
                store.set_full_at(
                    username, allowance.name, max(spent_until, now) + allowance.interval_s, now
                )
        return choice

    def _refund_in(self, store: LoginStore, attempt: LoginAttempt) -> None:
        with store.transaction():
            now = self._clock()
            for allowance in attempt.reserved:
                full_at = store.full_at(attempt.username, allowance.name)
                if full_at > now:
                    full_at -= allowance.interval_s
                    store.set_full_at(attempt.username, allowance.name, full_at, now)

    def _choose(
        self,
        store: LoginStore,
        username: str,
        client: LoginClient,
        under_way: Counter[tuple[str, str]],
    ) -> tuple[FailureAllowance, ...]:
        """The first option whose allowances are all available, else an empty tuple."""
        for option in self._options(store, username, client):
            waits = (
                self._wait_s(store, username, one, left)
                - under_way[username, one.name] * one.interval_s
                for one, left in option
            )
            if max(waits) <= 0:
                return tuple(one for one, _ in option)
        return ()

    def _options(
        self, store: LoginStore, username: str, client: LoginClient
    ) -> Iterator[tuple[tuple[FailureAllowance, int], ...]]:
        """The allowances a client may use, each with the number that must remain after it."""
        now = self._clock()
        device, address = client.device, rate_limit_key(client.address)
        if device and store.is_known(username, "device", device, now - DEVICE_MEMORY_S):
            yield ((DEVICE, 0),)
        is_known = store.is_known(username, "address", address, now - ADDRESS_MEMORY_S)
        is_newcomer = not self._failures_of(network_of(client.address))
        if is_known:
            yield ((ADDRESS, 0),)
        if is_newcomer or not is_known:
            yield ((STRANGER, NEWCOMER_RESERVE),)
        if is_newcomer:
            yield ((STRANGER, 0), (NEWCOMER, 0))

    def _wait_s(
        self, store: LoginStore, username: str, allowance: FailureAllowance, left: int
    ) -> float:
        """Seconds until one can be taken so that `left` remain; 0 or less means now."""
        now = self._clock()
        full_at = self._full_at(store, username, allowance, now)
        return full_at - (allowance.burst - left - 1) * allowance.interval_s - now

    def _full_at(
        self, store: LoginStore, username: str, allowance: FailureAllowance, now: float
    ) -> float:
        """When an allowance is full again, at most its refill time from now (clock set back)."""
        full_at = store.full_at(username, allowance.name)
        latest = now + allowance.burst * allowance.interval_s
        if full_at > latest:
            store.set_full_at(username, allowance.name, latest, now)
        return min(full_at, latest)

    def _failures_of(self, network: str) -> int:
        count, last = self._failures.get(network, (0, 0.0))
        return count if self._clock() - last < NEWCOMER_AFTER_S else 0

    def _count_failure(self, client: LoginClient) -> None:
        network = network_of(client.address)
        self._failures[network] = (self._failures_of(network) + 1, self._clock())
        self._failures.move_to_end(network)
        if len(self._failures) > NETWORKS_MAX:
            self._failures.popitem(last=False)

    def _with_store(self, work: Callable[[LoginStore], _Result]) -> _Result:
        """Run `work` on the file; if it cannot be written (a full disk, or another program holds
        it), on a store in memory, for a while without another try, each of which may block.
        """
        if self._monotonic() >= self._file_after_s:
            try:
                return work(self._store)
            except sqlite3.OperationalError as error:
                self._file_after_s = self._monotonic() + FILE_RETRY_S
                log.error("failed logins are counted in memory only: %s", error)
        if self._memory_store is None:
            self._memory_store = LoginStore(None)
        return work(self._memory_store)
