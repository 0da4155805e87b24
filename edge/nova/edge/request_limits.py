"""Limits the requests of each principal by kind, in sliding windows, over all edges together.

An edge does not write for each request: it takes leases, which double while they are spent in time
and start at one request. In no window does a principal get more than the limit, since a request
counts from when its lease was taken until a window after the last request of the lease. With each
lease comes the limit in force, which is in the same file.
"""

from __future__ import annotations

import asyncio
import logging
import math
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import NamedTuple

from nova.edge.access import Access
from nova.edge.limit_store import Limits, LimitStore
from nova.sdk.background_task import background_task
from nova.sdk.errors import RateLimitError
from nova.sdk.protocol.account import ChangePassword, Logout
from nova.sdk.protocol.admin import AddUser, ResetPassword
from nova.sdk.protocol.alarm_messages import UnfollowAlarms
from nova.sdk.protocol.edge import EdgeRequest
from nova.sdk.protocol.export import CancelExport, Export
from nova.sdk.protocol.messages import Auth, CancelStream, SetCursor, StartStream
from nova.sdk.protocol.submission import Submission
from nova.sdk.request_limit import LimitKind, RequestLimit, limits_text

LEASE_MAX = 64
LEASE_SHARE = 16

UNLIMITED = (Logout, CancelStream, CancelExport, UnfollowAlarms, SetCursor)
"""Requests that end something, or state where the client is on the timeline."""

HASHING = (ChangePassword, AddUser, ResetPassword)
"""Requests that cost a password hash, of which an edge makes few a second for everybody."""

SESSION_MARK = "session "
"""Before the id of a session, which has a limit of its own; no name of a principal has a space."""

ADDRESS_MARK = "address "
"""Before the address of somebody who logs in with OpenID Connect, and is no principal yet."""

OTHER_LIMITS = (
    "the limits of requests of all edges of this archive are now those of this edge, since it "
    "started last: %s; they were %s. Start all edges with the same `limits`"
)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Lease:
    """What this edge may still spend: `left` of `count`, until `ends_s`."""

    id: int
    count: int
    left: int
    limit: RequestLimit
    ends_s: float
    last_used_s: float


class _Full(NamedTuple):
    """A limit that was found in full use; the file is not read for it again until `until_s`."""

    limit: RequestLimit
    retry_at_s: float
    until_s: float


class _Window(NamedTuple):
    principal: str
    kind: LimitKind


def kind_of(request: EdgeRequest) -> LimitKind | None:
    """The limit that a request counts for; None if it is unlimited, or a submission, which counts
    once the submission policy has checked it.
    """
    if isinstance(request, UNLIMITED):
        return None
    if isinstance(request, Auth):
        return "refresh"
    if isinstance(request, HASHING):
        return "password"
    if isinstance(request, StartStream):
        return "stream"
    if isinstance(request, Export):
        return "export"
    return None if isinstance(request, Submission) else "query"


def session_key(session: str) -> str:
    """By what the renewals of a session are counted."""
    return SESSION_MARK + session


def address_key(address: str) -> str:
    """By what the logins of an address are counted."""
    return ADDRESS_MARK + address


class RequestLimits:
    """The limits of all principals, as one edge sees them. `given` are those that it was started
    with, None if it was started without.
    """

    def __init__(
        self,
        store: LimitStore,
        given: Limits | None,
        lease_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._own_store: LimitStore | None = None
        self._limits = dict(_joined(store, given))
        self._clock = clock
        self._lease_s = lease_s
        self._leases: dict[_Window, _Lease] = {}
        self._full: dict[_Window, _Full] = {}
        self._logged_until_s: dict[_Window, float] = {}

    def spend(self, access: Access, kind: LimitKind | None) -> None:
        """Count one request; raises RateLimitError if the limit is reached."""
        if kind == "refresh" and access.session:
            self.spend_of(session_key(access.session), kind)
        elif kind is not None:
            self.spend_of(access.name, kind)

    def spend_of(self, principal: str, kind: LimitKind) -> None:
        """Count one request of a principal, or of a session; raises RateLimitError."""
        window, now_s = _Window(principal, kind), self._clock()
        lease = self._leases.get(window)
        if lease is None or lease.left == 0 or lease.ends_s <= now_s:
            lease = self._renew(window, lease, now_s)
        lease.left -= 1
        lease.last_used_s = now_s

    def close(self) -> None:
        """Return what is left of all leases; the store belongs to the caller."""
        self._give_back(math.inf)
        if self._own_store is not None:
            self._own_store.close()

    async def returning(self, _: object) -> AsyncIterator[None]:
        """While the edge runs, return what it does not spend."""
        async with background_task(self._return_regularly()):
            yield
        self.close()

    async def _return_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._lease_s)
            self.give_back()

    def give_back(self) -> None:
        """Return what is left of leases that have ended. Called regularly."""
        self._give_back(self._clock())

    def _give_back(self, now_s: float) -> None:
        for window, lease in list(self._leases.items()):
            if lease.ends_s <= now_s:
                self._settle(lease)
                del self._leases[window]
        self._full = {one: full for one, full in self._full.items() if full.until_s > now_s}
        logged = self._logged_until_s.items()
        self._logged_until_s = {one: until_s for one, until_s in logged if until_s > now_s}

    def _renew(self, window: _Window, former: _Lease | None, now_s: float) -> _Lease:
        full = self._full.get(window)
        if full is not None and now_s < full.until_s:  # Who hammers costs others no write.
            raise _refusal(window, full.limit, full.retry_at_s - now_s)
        wanted = 1
        if former is not None:
            if former.left == 0 and former.ends_s > now_s:
                wanted = min(2 * former.count, LEASE_MAX)
            self._settle(former)
            del self._leases[window]
        ends_s = now_s + self._lease_s
        store = self._own_store or self._store
        try:
            grant = store.lease(
                *window, wanted=wanted, share=LEASE_SHARE, now_s=now_s, ends_s=ends_s
            )
        except sqlite3.Error as error:
            return self._renew_alone(window, now_s, error)
        self._follow(window.kind, grant.limit)
        if grant.count == 0:
            retry_at_s = grant.retry_at_s
            until_s = min(retry_at_s, ends_s)  # Another edge may return what it has not spent.
            self._full[window] = _Full(grant.limit, retry_at_s, until_s)
            self._log_once(window, grant.limit, now_s)
            raise _refusal(window, grant.limit, retry_at_s - now_s)
        lease = _Lease(grant.id, grant.count, grant.count, grant.limit, ends_s, now_s)
        self._leases[window] = lease
        return lease

    def _log_once(self, window: _Window, limit: RequestLimit, now_s: float) -> None:
        """Log that a limit is reached, once in its window: requests must not fill the log."""
        if now_s >= self._logged_until_s.get(window, now_s):
            context = {"user": window.principal, "kind": window.kind}
            log.warning("limit reached", extra={"context": context})
            self._logged_until_s[window] = now_s + limit.window_s

    def _follow(self, kind: LimitKind, limit: RequestLimit) -> None:
        if (before := self._limits[kind]) != limit:
            now, was = limits_text({kind: limit}), limits_text({kind: before})
            log.warning("another edge has changed a limit to %s from %s", now, was)
            self._limits[kind] = limit

    def _renew_alone(self, window: _Window, now_s: float, error: sqlite3.Error) -> _Lease:
        """Without the file an edge limits what it sees itself, rather than nobody or everybody."""
        if self._own_store is not None:
            raise error
        log.error("the limits file cannot be used; this edge limits by itself: %s", error)
        self._leases.clear()
        self._own_store = LimitStore(None)
        self._own_store.join(self._limits)
        return self._renew(window, None, now_s)

    def _settle(self, lease: _Lease) -> None:
        counts_until_s = lease.last_used_s + lease.limit.window_s
        try:
            store = self._own_store or self._store
            store.settle(lease.id, lease.count - lease.left, counts_until_s)
        except sqlite3.Error as error:  # It then counts in full until it would have anyway.
            log.warning("a lease of a limit was not returned: %s", error)


def _joined(store: LimitStore, given: Limits | None) -> Limits:
    limits, before = store.join(given)
    if given is not None and before and before != limits:
        log.warning(OTHER_LIMITS, limits_text(limits), limits_text(before))
    return limits


def _refusal(window: _Window, limit: RequestLimit, wait_s: float) -> RateLimitError:
    wait_s = max(math.ceil(wait_s * 1_000), 1) / 1_000
    return RateLimitError(
        "rateLimited",
        f"the limit of {window.kind} requests is {limit.count} in {limit.window_s:g} s for each "
        f"{_whose(window)}: retry in {wait_s:.3g} s",
        retry_after_s=wait_s,
    )


def _whose(window: _Window) -> str:
    """Each of what has the limit."""
    for mark in (SESSION_MARK, ADDRESS_MARK):
        if window.principal.startswith(mark):
            return mark.strip()
    return "user or key"
