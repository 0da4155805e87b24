"""Who may submit what, asked at the edge: by role, not out of a replay, and not too often.

The Core asks role and replay again. What is refused here is logged and counted, and recorded
nowhere (A-175, A-176, AMB-28).
"""

from __future__ import annotations

import logging
import time
from collections import Counter

from edge.config import Limits
from edge.tokens import Claims
from sdk.errors import ProtocolError
from sdk.replay_gate import REFUSAL
from sdk.submission import Submission, roles_for

FORWARDED = "forwarded"
SAYS_SO = "its timelineMode is {}"

log = logging.getLogger(__name__)


class Gate:
    """What all sessions of an edge share: how much each user may still submit, and the counts."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        # Only users of tokens that this edge's key signed come here, so they bound its size.
        self._budgets: dict[str, tuple[float, float]] = {}
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """Submissions by kind and by what became of them here."""

    def admit(self, claims: Claims, what: Submission, why_past: str | None) -> None:
        """Raises ProtocolError unless this user may submit this now; `why_past` says that, and why,
        his connection looks at the past.
        """
        kind = str(what.__struct_config__.tag)
        refused = self._refusal(claims, what, why_past)
        self.outcomes[kind, refused.code if refused else FORWARDED] += 1
        if refused is not None:
            log.warning(
                "submission refused",
                extra={"context": {"user": claims.sub, "kind": kind, "code": refused.code}},
            )
            raise refused

    def _refusal(
        self, claims: Claims, what: Submission, why_past: str | None
    ) -> ProtocolError | None:
        if claims.role not in roles_for(what):
            return ProtocolError("forbidden", f"the role {claims.role} may not submit this")
        if what.timeline_mode != "LIVE":
            why_past = SAYS_SO.format(what.timeline_mode)
        if why_past is not None:
            return ProtocolError("replayRefused", REFUSAL.format(why_past))
        if not self._spend(claims.sub):
            rate = self._limits.submissions_per_user_per_s
            return ProtocolError("rateLimited", f"a user may submit {rate:g} times a second")
        return None

    def _spend(self, user: str) -> bool:
        """Take one from the user's budget, which fills up again with time."""
        now_s, most = time.monotonic(), self._limits.submissions_burst_max
        left, since_s = self._budgets.get(user, (most, now_s))
        left = min(most, left + (now_s - since_s) * self._limits.submissions_per_user_per_s)
        self._budgets[user] = (left - 1 if left >= 1 else left, now_s)
        return left >= 1
