"""The links as a reader knows them: counters from the archive, states from the writer's feed."""

from __future__ import annotations

import time

from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store.catalog import LinkCounters
from nova.sdk import timestamps
from nova.sdk.protocol.messages import LinkInfo, OutageInfo
from nova.sdk.transport.link import LinkState, Outage

WRITER_SILENCE_S = 3.0
"""A writer sends to its feed twice a second. One that has been silent for this long hangs."""


class LinkRegistry:
    """Link states, shared by all sessions of a reader; cleared when the writer disconnects."""

    def __init__(self, silence_s: float = WRITER_SILENCE_S) -> None:
        self._silence_s = silence_s
        self._is_connected = False
        self._heard_at = 0.0
        self._states: dict[str, LinkState] = {}

    @property
    def writer_connected(self) -> bool:
        """Whether the writer is connected and not silent."""
        return self._is_connected and not self.writer_hangs

    @property
    def writer_hangs(self) -> bool:
        """Whether the writer is connected but silent for longer than `silence_s`."""
        return self._is_connected and time.monotonic() - self._heard_at > self._silence_s

    def on_writer_message(self) -> None:
        """Record that a feed message, of any kind, has arrived."""
        self._heard_at = time.monotonic()

    def update(self, states: dict[str, LinkState]) -> None:
        """Replace the link states with those that the writer sent."""
        self._states = states

    def on_writer_connected(self) -> None:
        """Mark the writer as connected; its link states follow on the feed."""
        self._is_connected = True
        self.on_writer_message()

    def on_writer_disconnected(self) -> None:
        """Mark the writer as disconnected and its link states as unknown."""
        self._is_connected = False
        self._states = {}

    def describe(self, snapshot: ArchiveSnapshot) -> list[LinkInfo]:
        """Every link that the writer consumes from, or ever has, sorted by name."""
        snapshot.refresh()
        counters = snapshot.archive.record.counters()
        states = self._states if self.writer_connected else {}
        names = sorted(counters.links.keys() | states.keys())
        return [
            _describe(snapshot, name, counters.links.get(name), states.get(name)) for name in names
        ]


def _describe(
    snapshot: ArchiveSnapshot, link: str, counted: LinkCounters | None, state: LinkState | None
) -> LinkInfo:
    info = LinkInfo(link=link, positions=snapshot.archive.record.positions(link))
    if counted is not None:
        info.received, info.new = counted.received, counted.new
        info.duplicate, info.rejected = counted.duplicate, counted.rejected
        info.gaps = counted.gaps
        info.last_seen = timestamps.text(counted.last_ns) if counted.last_ns else None
    if state is not None:
        _add_state(info, state)
    return info


def _add_state(info: LinkInfo, state: LinkState) -> None:
    if state.connected:
        info.connection = "connected"
    elif state.last_outage is not None:
        info.connection = "unreachable"
    info.outages = state.outages
    info.last_outage = _outage(state.last_outage) if state.last_outage else None
    info.warnings = list(state.warnings)
    info.lag_by_stream = {
        stream: max(0, end - info.positions.get(stream, 0)) for stream, end in state.ends.items()
    }
    info.lag = sum(info.lag_by_stream.values())


def _outage(outage: Outage) -> OutageInfo:
    ended = None if outage.to_ns is None else timestamps.text(outage.to_ns)
    return OutageInfo(began=timestamps.text(outage.from_ns), ended=ended, reason=outage.reason)
