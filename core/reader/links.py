"""The links as a reader knows them: what the archive has counted, and what the writer last said."""

from __future__ import annotations

import time

from core.reader.view import View
from core.store import catalog
from core.store.catalog import LinkCounters
from sdk import timestamps
from sdk.protocol import LinkInfo, OutageInfo
from sdk.transport.link import LinkState, Outage

WRITER_SILENCE_S = 3.0
"""A writer has something to say twice a second; one that has not for so long hangs."""


class Links:
    """Shared by all sessions of a reader; what the writer said is forgotten when it goes away."""

    def __init__(self, silence_s: float = WRITER_SILENCE_S) -> None:
        self._silence_s = silence_s
        self._is_connected = False
        self._heard_at = 0.0
        self._states: dict[str, LinkState] = {}

    @property
    def writer_connected(self) -> bool:
        """Whether the writer is there, and is heard of."""
        return self._is_connected and not self.writer_hangs

    @property
    def writer_hangs(self) -> bool:
        """Whether the writer is there and says nothing."""
        return self._is_connected and time.monotonic() - self._heard_at > self._silence_s

    def heard(self) -> None:
        """The writer has said something, whatever it was."""
        self._heard_at = time.monotonic()

    def note(self, states: dict[str, LinkState]) -> None:
        """Take in what the writer says of its transports."""
        self._states = states

    def writer_came(self) -> None:
        """The writer is there; how its links are it will say next."""
        self._is_connected = True
        self.heard()

    def writer_went(self) -> None:
        """The writer is away, and how its links are nobody knows."""
        self._is_connected = False
        self._states = {}

    def describe(self, view: View) -> list[LinkInfo]:
        """Every link that the writer consumes from or ever did, by name."""
        view.refresh()
        counters = catalog.decode_counters(view.archive.get("catalog", catalog.COUNTERS_KEY))
        states = self._states if self.writer_connected else {}
        names = sorted(counters.links.keys() | states.keys())
        return [_describe(view, name, counters.links.get(name), states.get(name)) for name in names]


def _describe(
    view: View, link: str, counted: LinkCounters | None, state: LinkState | None
) -> LinkInfo:
    stored = view.archive.get("catalog", catalog.position_key(link))
    info = LinkInfo(link=link, positions=catalog.decode_positions(stored) if stored else {})
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
