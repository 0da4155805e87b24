"""How far what is derived from the archive is behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nova.core.errors import ArchiveError
from nova.core.ordering import time_key, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_count import events_after
from nova.core.store.durability_marker import read_marker
from nova.sdk import timestamps
from nova.sdk.protocol.metric_messages import Metric, gauge
from nova.sdk.timestamps import NS_MAX, NS_PER_SECOND


@dataclass(frozen=True, slots=True)
class DerivedData:
    """What follows the archive: its snapshot, and the canonical time up to which it has come."""

    snapshot: ArchiveSnapshot
    cursor_ns: Callable[[], int]


class DerivedLags:
    """The lags of what one process derives, by name; each is there while it is maintained."""

    def __init__(self, data: Path, now_ns: Callable[[], int] = timestamps.now) -> None:
        self._data = data
        self._now_ns = now_ns
        self.followed: dict[str, DerivedData] = {}

    def metrics(self) -> Iterator[Metric]:
        """The present lags."""
        events = gauge("nova_derived_lag_events", "Durable events that derived data lack")
        seconds = gauge("nova_derived_lag_seconds", "Age of the oldest event that they lack")
        try:
            for name, derived in self.followed.items():
                behind, behind_s = self._lag(derived)
                events.add(behind, data=name)
                seconds.add(behind_s, data=name)
        except ArchiveError:
            return  # What reads the archive logs the error, and nothing is known of its lag.
        yield from (events, seconds)

    def _lag(self, derived: DerivedData) -> tuple[int, float]:
        """The lag in events and in seconds."""
        marker, cursor_ns = read_marker(self._data), derived.cursor_ns()
        if marker is None or marker.canonical_ns <= cursor_ns:
            return 0, 0.0
        archive = derived.snapshot.archive
        # The snapshot is from before the present pass; what came since is counted by the marker.
        unseen = max(marker.events - archive.record.counters().events, 0)
        oldest = archive.events.first("canonical", time_key(cursor_ns + 1), time_key(NS_MAX))
        oldest_ns = marker.canonical_ns if oldest is None else time_of(oldest[0])
        behind_s = max(self._now_ns() - oldest_ns, 0) / NS_PER_SECOND
        return events_after(derived.snapshot, cursor_ns) + unseen, behind_s
