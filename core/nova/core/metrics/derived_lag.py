"""How far what is derived from the archive is behind it.

The processes that derive report their cursors, and the reader counts what lies after them when it
is asked. So events that came after a report count, also while a busy process reports nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from nova.core.ordering import time_key, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_count import events_after
from nova.sdk.protocol.metric_messages import Metric, gauge
from nova.sdk.timestamps import NS_MAX, NS_PER_SECOND


class DerivedCursors:
    """The cursors of what one process derives, by name; each is there while it is maintained."""

    def __init__(self) -> None:
        self.followed: dict[str, Callable[[], int]] = {}

    def reported(self) -> dict[str, int]:
        """Canonical times in ns up to which all events are included."""
        return {name: cursor_ns() for name, cursor_ns in self.followed.items()}


def lag_metrics(
    snapshot: ArchiveSnapshot, cursors: Mapping[str, int], now_ns: int
) -> Iterator[Metric]:
    """The lags of derived data with these cursors, as of a refreshed snapshot."""
    events = gauge("nova_derived_lag_events", "Durable events that derived data lack")
    seconds = gauge("nova_derived_lag_seconds", "Age of the oldest event that they lack")
    for name, cursor_ns in cursors.items():
        behind, behind_s = _lag(snapshot, cursor_ns, now_ns)
        events.add(behind, data=name)
        seconds.add(behind_s, data=name)
    if cursors:
        yield from (events, seconds)


def _lag(snapshot: ArchiveSnapshot, cursor_ns: int, now_ns: int) -> tuple[int, float]:
    """The lag in events and in seconds."""
    if snapshot.watermark <= cursor_ns:
        return 0, 0.0
    after, last = time_key(cursor_ns + 1), time_key(NS_MAX)
    oldest = snapshot.archive.events.first("canonical", after, last)
    if oldest is None:
        return 0, 0.0
    behind_s = max(now_ns - time_of(oldest[0]), 0) / NS_PER_SECOND
    return events_after(snapshot, cursor_ns), behind_s
