"""Requests of admins about limits: who uses them, whose logins are held back, and their release."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from nova.edge.access import Access
from nova.edge.account_requests import seconds_text
from nova.edge.actor import actor_of
from nova.edge.audit_queue import AuditQueue
from nova.edge.limit_store import Limits, LimitStore, PrincipalUse
from nova.edge.login_throttle import FAILURES_PER_HOUR_MAX, LoginThrottle
from nova.edge.request_limits import SESSION_MARK
from nova.edge.session_store import SessionStore
from nova.edge.user_store import User
from nova.sdk.field_types import JsonObject
from nova.sdk.protocol.admin import (
    HeldAccount,
    HeldNetwork,
    LimitInfo,
    LimitsResponse,
    LimitUse,
)
from nova.sdk.request_limit import RequestLimit

LISTED_MAX = 200
HOUR_S = 3_600.0


class LimitRequests:
    """Answers requests about limits; one instance serves all connections of an edge."""

    def __init__(
        self,
        limits: LimitStore,
        throttle: LoginThrottle,
        sessions: SessionStore,
        audit: AuditQueue,
        listed_max: int = LISTED_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._throttle = throttle
        self._sessions = sessions
        self._audit = audit
        self._listed_max = listed_max
        self._clock = clock

    def overview(self, users: Sequence[User]) -> LimitsResponse:
        """The limits in force, their use, and the logins of these users that are held back."""
        limits, most = self._limits.in_force(), self._listed_max
        uses = self._uses(limits)
        accounts = [hold for user in users if (hold := self._account(user.username)) is not None]
        networks = sorted(self._throttle.networks_held(), key=lambda one: (-one.failures, one))
        return LimitsResponse(
            limits=_limit_list(limits),
            uses=uses[:most],
            uses_left_out=max(0, len(uses) - most),
            accounts=sorted(accounts, key=lambda one: (-one.failures, one.username)),
            unknown_names=max(0, self._throttle.names_held() - len(accounts)),
            networks=[
                HeldNetwork(
                    network=one.network, failures=one.failures, until=seconds_text(one.until)
                )
                for one in networks[:most]
            ],
            networks_left_out=max(0, len(networks) - most),
        )

    def release(self, access: Access, username: str) -> None:
        """Forget the failed logins of a user, recorded for audit before it takes effect."""
        hold = self._throttle.hold_of(username)
        details: JsonObject = {
            "action": "releaseAccount",
            "target": username,
            "before": {"failures": hold.failures},
            "after": {"failures": 0},
        }
        self._audit.append("AdminAction", actor_of(access), details)
        self._throttle.release(username)

    def _uses(self, limits: Limits) -> list[LimitUse]:
        """The use of each limit, the fullest first."""
        now_s = self._clock()
        uses = (self._use(one, limits[one.kind], now_s) for one in self._limits.uses(now_s))
        found = [one for one in uses if one is not None]
        found.sort(key=lambda one: (-one.used / one.count, one.principal, one.kind))
        return found

    def _use(self, one: PrincipalUse, limit: RequestLimit, now_s: float) -> LimitUse | None:
        """None if it is of a session that has ended."""
        name, session = one.principal, None
        if name.startswith(SESSION_MARK):
            session = name.removeprefix(SESSION_MARK)
            owner = self._sessions.user_of(session)
            if owner is None:
                return None
            name = owner
        is_full = one.used >= limit.count
        return LimitUse(
            principal=name,
            kind=one.kind,
            used=one.used,
            count=limit.count,
            free_at=seconds_text(time.time() + one.first_free_s - now_s) if is_full else None,
            session=session,
        )

    def _account(self, username: str) -> HeldAccount | None:
        """The user's failed logins; None if none counts any more."""
        hold = self._throttle.hold_of(username)
        if not hold.failures:
            return None
        return HeldAccount(
            username=username,
            failures=hold.failures,
            browsers_until=_time_text(hold.browsers_until),
            addresses_until=_time_text(hold.addresses_until),
            others_until=_time_text(hold.strangers_until),
        )


def _time_text(seconds: float | None) -> str | None:
    return None if seconds is None else seconds_text(seconds)


def _limit_list(limits: Limits) -> list[LimitInfo]:
    logins = LimitInfo(kind="login", count=FAILURES_PER_HOUR_MAX, window_s=HOUR_S)
    found = [
        LimitInfo(kind=kind, count=one.count, window_s=one.window_s) for kind, one in limits.items()
    ]
    return [logins, *found]
