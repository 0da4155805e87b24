"""Limits the requests of each principal by kind, in sliding windows, over all edges together.

An edge does not write for each request: it takes leases, which double while they are spent in time
and start at one request. In no window does a principal get more than the limit, since a request
counts from when its lease was taken until a window after the last request of the lease.
"""

from __future__ import annotations

import asyncio
import logging
import math
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from nova.edge.access import Access
from nova.edge.limit_store import LimitStore
from nova.sdk.errors import RateLimitError
from nova.sdk.protocol.account import Logout
from nova.sdk.protocol.edge import EdgeRequest
from nova.sdk.protocol.export import CancelExport, Export
from nova.sdk.protocol.messages import Auth, CancelStream, SetCursor, StartStream
from nova.sdk.protocol.submission import Submission
from nova.sdk.request_limit import LimitKind, RequestLimit

LEASE_MAX = 64
LEASE_SHARE = 16

UNLIMITED = (Auth, Logout, CancelStream, CancelExport, SetCursor)
"""Requests that end something, renew the token, or state where the client is on the timeline."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Lease:
    """What this edge may still spend: `left` of `count`, until `ends_s`."""

    id: int
    count: int
    left: int
    ends_s: float
    last_used_s: float


class _Window(NamedTuple):
    principal: str
    kind: LimitKind


def kind_of(request: EdgeRequest) -> LimitKind | None:
    """The limit that a request counts for; None if it is unlimited, or a submission, which counts
    once the submission policy has checked it.
    """
    if isinstance(request, UNLIMITED):
        return None
    if isinstance(request, StartStream):
        return "stream"
    if isinstance(request, Export):
        return "export"
    return None if isinstance(request, Submission) else "query"


class RequestLimits:
    """The limits of all principals, as one edge sees them."""

    def __init__(
        self,
        store: LimitStore,
        limits: Mapping[LimitKind, RequestLimit],
        lease_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._own_store: LimitStore | None = None
        self._limits = limits
        self._clock = clock
        self._lease_s = lease_s
        self._leases: dict[_Window, _Lease] = {}

    def spend(self, access: Access, kind: LimitKind | None) -> None:
        """Count one request; raises RateLimitError if the limit is reached."""
        if kind is None:
            return
        window, now_s = _Window(access.name, kind), self._clock()
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
        task = asyncio.create_task(self._return_regularly())
        yield
        task.cancel()
        await asyncio.wait((task,))
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
                self._settle(window, lease)
                del self._leases[window]

    def _renew(self, window: _Window, former: _Lease | None, now_s: float) -> _Lease:
        wanted = 1
        if former is not None:
            if former.left == 0 and former.ends_s > now_s:
                wanted = min(2 * former.count, LEASE_MAX)
            self._settle(window, former)
            del self._leases[window]
        limit = self._limits[window.kind]
        ends_s = now_s + self._lease_s
        store = self._own_store or self._store
        try:
            grant = store.lease(
                *window,
                limit=limit.count,
                wanted=wanted,
                share=LEASE_SHARE,
                now_s=now_s,
                counts_until_s=ends_s + limit.window_s,
            )
        except sqlite3.Error as error:
            return self._renew_alone(window, now_s, error)
        if grant.count == 0:
            raise _refusal(window, limit, grant.retry_at_s - now_s)
        lease = _Lease(grant.id, grant.count, grant.count, ends_s, now_s)
        self._leases[window] = lease
        return lease

    def _renew_alone(self, window: _Window, now_s: float, error: sqlite3.Error) -> _Lease:
        """Without the file an edge limits what it sees itself, rather than nobody or everybody."""
        if self._own_store is not None:
            raise error
        log.error("the limits file cannot be used; this edge limits by itself: %s", error)
        self._leases.clear()
        self._own_store = LimitStore(None)
        return self._renew(window, None, now_s)

    def _settle(self, window: _Window, lease: _Lease) -> None:
        counts_until_s = lease.last_used_s + self._limits[window.kind].window_s
        try:
            store = self._own_store or self._store
            store.settle(lease.id, lease.count - lease.left, counts_until_s)
        except sqlite3.Error as error:  # It then counts in full until it would have anyway.
            log.warning("a lease of a limit was not returned: %s", error)


def _refusal(window: _Window, limit: RequestLimit, wait_s: float) -> RateLimitError:
    log.warning("limit reached", extra={"context": {"user": window.principal, "kind": window.kind}})
    wait_s = max(math.ceil(wait_s * 1_000), 1) / 1_000
    return RateLimitError(
        "rateLimited",
        f"the limit of {window.kind} requests is {limit.count} in {limit.window_s:g} s for each "
        f"user or key: retry in {wait_s:.3g} s",
        retry_after_s=wait_s,
    )
