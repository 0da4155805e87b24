"""The limits of a committer."""

from __future__ import annotations

from typing import NamedTuple

from nova.sdk.events.event import ENVELOPE_MAX_BYTES


class CommitLimits(NamedTuple):
    """Limits of one envelope, and of one commit, which is closed when it reaches either."""

    envelope_max_bytes: int = ENVELOPE_MAX_BYTES
    commit_max_bytes: int = 2 * 1024 * 1024
    commit_max_events: int = 2_000
