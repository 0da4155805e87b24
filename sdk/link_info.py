"""What is said of a link: its counts since the archive was made, and how its backend is."""

from __future__ import annotations

from typing import Literal

import msgspec


class OutageInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """A time in which a transport's backend did not answer; `ended` is absent while it lasts."""

    began: str
    ended: str | None = None
    reason: str


LinkConnection = Literal["connected", "unreachable", "unknown"]
"""Unknown: not tried yet, no longer configured, or the writer itself is away."""


class LinkInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """One transport the Core consumes from, or did.

    Counts are since the archive was made, outages since the writer started. `lag` is the number of
    records that its backend is known to hold behind the stored positions, `lag_by_stream` the same
    for each stream; `last_seen` is when its last record was stored.
    """

    link: str
    connection: LinkConnection = "unknown"
    received: int = 0
    new: int = 0
    duplicate: int = 0
    rejected: int = 0
    gaps: int = 0
    last_seen: str | None = None
    lag: int | None = None
    lag_by_stream: dict[str, int] = msgspec.field(default_factory=dict)
    positions: dict[str, int] = msgspec.field(default_factory=dict)
    outages: int = 0
    last_outage: OutageInfo | None = None
    warnings: list[str] = msgspec.field(default_factory=list)
