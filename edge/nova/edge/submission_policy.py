"""Submission policy of the edge: checks role, replay state and limit of each submission.

The Core checks role and replay state again. What is refused here is logged and counted, but not
recorded in the archive.
"""

from __future__ import annotations

import logging
from collections import Counter

from nova.edge.access import Access
from nova.edge.request_limits import RequestLimits
from nova.sdk.errors import ProtocolError, RateLimitError
from nova.sdk.protocol.replay_gate import REFUSAL
from nova.sdk.protocol.submission import Submission, limit_reason, roles_for

FORWARDED = "forwarded"
OWN_TIMELINE_MODE = "its timelineMode is {}"

log = logging.getLogger(__name__)


class SubmissionPolicy:
    """Shared by all sessions of an edge: the limits and the outcome counts."""

    def __init__(self, request_limits: RequestLimits) -> None:
        self._request_limits = request_limits
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """Submission counts by (kind, outcome)."""

    def check(self, access: Access, submission: Submission, past_reason: str | None) -> None:
        """Raises ProtocolError if the user may not submit this now. `past_reason` says why the
        connection counts as viewing the past; None if it does not.
        """
        kind = str(submission.__struct_config__.tag)
        refused = self._refusal(access, submission, past_reason)
        self.outcomes[kind, refused.code if refused else FORWARDED] += 1
        if refused is not None:
            log.warning(
                "submission refused",
                extra={"context": {"user": access.name, "kind": kind, "code": refused.code}},
            )
            raise refused

    def _refusal(
        self, access: Access, submission: Submission, past_reason: str | None
    ) -> ProtocolError | None:
        if access.role not in roles_for(submission):
            return ProtocolError("forbidden", f"your role ({access.role}) cannot submit this")
        if reason := limit_reason(submission, access.scopes, access.lanes):
            return ProtocolError("forbidden", reason)
        if submission.timeline_mode != "LIVE":
            past_reason = OWN_TIMELINE_MODE.format(submission.timeline_mode)
        if past_reason is not None:
            return ProtocolError("replayRefused", REFUSAL.format(past_reason))
        try:
            self._request_limits.spend(access, "submission")
        except RateLimitError as error:
            return error
        return None
