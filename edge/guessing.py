"""Slowing those who guess passwords: a delay per account, caps per address and on what waits."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from edge.config import Limits
from edge.errors import BusyError

ACCOUNT_DELAY_FIRST_S = 0.5
PENDING_RETRY_AFTER_S = 2


@dataclass(slots=True)
class _Account:
    failures: int = 0
    last: float = 0.0


@dataclass(slots=True)
class _Sender:
    failures: deque[float] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One login under way: how long it must wait first, and what it comes to."""

    guessing: Guessing
    username: str
    ip: str
    delay_s: float

    def failed(self) -> None:
        """The password was wrong."""
        self.guessing.count(self.username, self.ip)

    def succeeded(self) -> None:
        """The password was right."""
        self.guessing.forgive(self.username)


class Guessing:
    """Remembers failed logins; known and unknown names are treated alike."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._pending = 0
        self._accounts: OrderedDict[str, _Account] = OrderedDict()
        self._senders: OrderedDict[str, _Sender] = OrderedDict()

    @contextmanager
    def attempt(self, username: str, ip: str) -> Iterator[Attempt]:
        """Take part in the queue of logins; raises BusyError where there is no place."""
        if self._pending >= self._limits.logins_pending_max:
            raise BusyError(PENDING_RETRY_AFTER_S)
        self._check_sender(ip)
        self._pending += 1
        try:
            yield Attempt(self, username, ip, self._delay_s(username))
        finally:
            self._pending -= 1

    def count(self, username: str, ip: str) -> None:
        """Remember a failure."""
        now = time.monotonic()
        account = self._accounts.setdefault(username, _Account())
        if now - account.last > self._limits.account_memory_s:
            account.failures = 0
        account.failures += 1
        account.last = now
        self._accounts.move_to_end(username)
        sender = self._senders.setdefault(ip, _Sender())
        sender.failures.append(now)
        self._senders.move_to_end(ip)
        self._trim()

    def forgive(self, username: str) -> None:
        """Forget the failures of an account that has just proved itself."""
        self._accounts.pop(username, None)

    def _check_sender(self, ip: str) -> None:
        sender = self._senders.get(ip)
        if sender is None:
            return
        horizon = time.monotonic() - self._limits.failures_window_s
        while sender.failures and sender.failures[0] < horizon:
            sender.failures.popleft()
        if len(sender.failures) >= self._limits.failures_per_ip_max:
            raise BusyError(int(sender.failures[0] - horizon) + 1)

    def _delay_s(self, username: str) -> float:
        account = self._accounts.get(username)
        if account is None or time.monotonic() - account.last > self._limits.account_memory_s:
            return 0.0
        over = account.failures - self._limits.account_free_failures
        if over < 0:
            return 0.0
        doubled: float = ACCOUNT_DELAY_FIRST_S * 2 ** min(over, 16)
        return min(doubled, self._limits.account_delay_max_s)

    def _trim(self) -> None:
        for table in (self._accounts, self._senders):
            while len(table) > self._limits.failure_table_max:
                table.popitem(last=False)
