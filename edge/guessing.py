"""Bounding the guesses at passwords: an account has so many failures an hour, wherever they come
from, and most of them are kept for clients that are likely its owner's.

An account's allowances are separate, so that a stranger who spends his leaves the owner's alone:

- `device`: browsers that have logged in to the account before, and show the cookie they got then;
- `address`: addresses from which the account was logged in to lately;
- `stranger`: everybody else. The last of it is a reserve for newcomers, networks from which nothing
  has failed in the last hour, one a minute: a crowd of attackers has spent its novelty by then.

A login with the right password gives back what it took. Known and unknown names are treated alike.
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

from edge.client_address import counted, neighbourhood
from edge.errors import BusyError
from edge.login_store import LoginStore

log = logging.getLogger(__name__)

DAY_S = 86_400.0
DEVICE_MEMORY_S = 90 * DAY_S
ADDRESS_MEMORY_S = 30 * DAY_S
NEWCOMER_AFTER_S = 3_600.0
NETWORKS_MAX = 50_000
"""Networks from which something failed that one edge remembers; the latest stay."""


class Allowance(NamedTuple):
    """At most `burst` failures at once, and one more each `interval_s`."""

    name: str
    burst: int
    interval_s: float


DEVICE = Allowance("device", 2, 1_800.0)
ADDRESS = Allowance("address", 3, 900.0)
STRANGER = Allowance("stranger", 5, 900.0)
NEWCOMER = Allowance("newcomer", 1, 60.0)
"""How often the reserve may be drawn on; each draws on `STRANGER` too."""

NEWCOMER_RESERVE = 2
"""What other strangers leave of `STRANGER`. Without it they have as many failures as `ADDRESS`: a
guesser must not learn from the count whether an account is used from his own address.
"""

TOO_MANY = "too many failed logins of this account"
INSTEAD = ", or from a browser that has logged in to it before"

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: where from, and the device that its cookie names."""

    address: str
    device: str | None = None


class Rank(NamedTuple):
    """Whose login is checked first: known clients, then those whose networks failed least."""

    is_stranger: bool
    failures: int
    network: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One password that may be checked; what it took is given back if it is right."""

    guessing: Guessing
    username: str
    client: Client
    taken: tuple[Allowance, ...]

    def failed(self) -> None:
        """The password was wrong."""
        self.guessing.end(self, give_back=False)

    def given_up(self) -> None:
        """It was not checked."""
        self.guessing.end(self, give_back=True)

    def succeeded(self, device: str) -> None:
        """The password was right; the client is known from now on."""
        self.guessing.end(self, give_back=True)
        self.guessing.remember(self.username, self.client, device)


class Guessing:
    """Who may try a password now."""

    def __init__(self, store: LoginStore, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._spare: LoginStore | None = None
        self._clock = clock
        self._under_way: Counter[tuple[str, str]] = Counter()
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def look(self, username: str, client: Client) -> tuple[Rank, str]:
        """Whether to join the queue, how far in front, and on which allowance; raises BusyError.

        Nothing is taken yet. What logins under way have taken counts as there: each of them may be
        right and give it back.
        """
        choice = self._stored(lambda store: self._choice(store, username, client, self._under_way))
        if not choice:
            raise self._refusal(username, client)
        network = neighbourhood(client.address)
        return Rank(STRANGER in choice, self._failures_of(network), network), choice[0].name

    def take(self, username: str, client: Client) -> Attempt:
        """Take what one check of a password costs; raises BusyError where nothing is left."""
        choice = self._stored(lambda store: self._taken(store, username, client))
        if not choice:
            raise self._refusal(username, client)
        for allowance in choice:
            self._under_way[username, allowance.name] += 1
        return Attempt(self, username, client, choice)

    def turned_away(self, client: Client) -> None:
        """It was refused, by an allowance or by a full queue: it comes as a newcomer no more, else
        a crowd would stay one for as long as it is refused.
        """
        self._note_failure(client)

    def end(self, attempt: Attempt, *, give_back: bool) -> None:
        """What was taken stays so, or is given back."""
        for allowance in attempt.taken:
            key = attempt.username, allowance.name
            self._under_way[key] -= 1
            if not self._under_way[key]:
                del self._under_way[key]
        if give_back:
            self._stored(lambda store: self._given_back(store, attempt))
        else:
            self._note_failure(attempt.client)

    def remember(self, username: str, client: Client, device: str) -> None:
        """An account was logged in to by this client."""

        def write(store: LoginStore) -> None:
            with store.transaction():
                now = self._clock()
                store.remember(username, "address", counted(client.address), now)
                store.remember(username, "device", device, now)

        self._stored(write)

    def is_device(self, device: str) -> bool:
        """Whether any account was logged in to with this device."""
        return self._stored(lambda store: store.is_device(device))

    def _refusal(self, username: str, client: Client) -> BusyError:
        """Say when to come back."""
        waits = self._stored(
            lambda store: [
                max(self._wait_s(store, username, one, left) for one, left in option)
                for option in self._options(store, username, client)
            ]
        )
        return BusyError(max(1, math.ceil(min(waits))), TOO_MANY, INSTEAD)

    def _taken(self, store: LoginStore, username: str, client: Client) -> tuple[Allowance, ...]:
        with store.transaction():
            choice = self._choice(store, username, client, Counter())
            now = self._clock()
            for allowance in choice:
                spent_until = self._full_at(store, username, allowance, now)
                store.set_full_at(
                    username, allowance.name, max(spent_until, now) + allowance.interval_s, now
                )
        return choice

    def _given_back(self, store: LoginStore, attempt: Attempt) -> None:
        with store.transaction():
            now = self._clock()
            for allowance in attempt.taken:
                full_at = store.full_at(attempt.username, allowance.name)
                if full_at > now:
                    full_at -= allowance.interval_s
                    store.set_full_at(attempt.username, allowance.name, full_at, now)

    def _choice(
        self, store: LoginStore, username: str, client: Client, under_way: Counter[tuple[str, str]]
    ) -> tuple[Allowance, ...]:
        """The first allowances that a client may draw on and that are not spent, else none."""
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
        self, store: LoginStore, username: str, client: Client
    ) -> Iterator[tuple[tuple[Allowance, int], ...]]:
        """What a client may draw on, each with what has to be left of it."""
        now = self._clock()
        device, address = client.device, counted(client.address)
        if device and store.is_known(username, "device", device, now - DEVICE_MEMORY_S):
            yield ((DEVICE, 0),)
        is_known = store.is_known(username, "address", address, now - ADDRESS_MEMORY_S)
        is_newcomer = not self._failures_of(neighbourhood(client.address))
        if is_known:
            yield ((ADDRESS, 0),)
        if is_newcomer or not is_known:
            yield ((STRANGER, NEWCOMER_RESERVE),)
        if is_newcomer:
            yield ((STRANGER, 0), (NEWCOMER, 0))

    def _wait_s(self, store: LoginStore, username: str, allowance: Allowance, left: int) -> float:
        """How long until one can be taken and `left` stay; 0 or less: now."""
        now = self._clock()
        full_at = self._full_at(store, username, allowance, now)
        return full_at - (allowance.burst - left - 1) * allowance.interval_s - now

    def _full_at(self, store: LoginStore, username: str, allowance: Allowance, now: float) -> float:
        """When an allowance is whole; no later than it takes, should the clock have gone back."""
        full_at = store.full_at(username, allowance.name)
        latest = now + allowance.burst * allowance.interval_s
        if full_at > latest:
            store.set_full_at(username, allowance.name, latest, now)
        return min(full_at, latest)

    def _failures_of(self, network: str) -> int:
        count, last = self._failures.get(network, (0, 0.0))
        return count if self._clock() - last < NEWCOMER_AFTER_S else 0

    def _note_failure(self, client: Client) -> None:
        network = neighbourhood(client.address)
        self._failures[network] = (self._failures_of(network) + 1, self._clock())
        self._failures.move_to_end(network)
        if len(self._failures) > NETWORKS_MAX:
            self._failures.popitem(last=False)

    def _stored(self, work: Callable[[LoginStore], _Result]) -> _Result:
        """Work with the file; while it cannot be written, as on a full disk, with memory."""
        try:
            return work(self._store)
        except sqlite3.OperationalError as error:
            if self._spare is None:
                self._spare = LoginStore(None)
                log.error("failed logins are counted in memory only: %s", error)
            return work(self._spare)
