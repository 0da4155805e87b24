"""What replies say about a range of which retention has deleted events."""

from __future__ import annotations

from typing import cast

from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.sdk import timestamps
from nova.sdk.field_types import Lane
from nova.sdk.protocol.message import GivenBackInfo
from nova.sdk.timestamps import NS_MIN


def given_back_from(
    snapshot: ArchiveSnapshot, wanted: EventFilter, start_ns: int = NS_MIN
) -> list[GivenBackInfo]:
    """The wanted scopes and lanes whose kept events begin after a time, in either timebase."""
    return [
        GivenBackInfo(scope_id=scope_id, lane=cast(Lane, lane), until=timestamps.text(kept_ns))
        for (scope_id, lane), kept_ns in sorted(snapshot.archive.given_back.kept().items())
        if start_ns < kept_ns and wanted.matches_lane(scope_id, lane)
    ]
