"""The links as a reader knows them: what the archive has counted, and what the writer last said."""

from __future__ import annotations

from core.reader.view import View
from core.store import catalog
from core.store.catalog import LinkCounters
from sdk import timestamps
from sdk.protocol import LinkInfo, OutageInfo
from sdk.transport.link import LinkState, Outage


class Links:
    """Shared by all sessions of a reader; what the writer said is forgotten when it goes away."""

    def __init__(self) -> None:
        self.writer_connected = False
        self._states: dict[str, LinkState] = {}

    def note(self, states: dict[str, LinkState]) -> None:
        """Take in what the writer says of its transports."""
        self._states = states

    def writer_came(self) -> None:
        """The writer is there; how its links are it will say next."""
        self.writer_connected = True

    def writer_went(self) -> None:
        """The writer is away, and how its links are nobody knows."""
        self.writer_connected = False
        self._states = {}

    def describe(self, view: View) -> list[LinkInfo]:
        """Every link that the writer consumes from or ever did, by name."""
        view.refresh()
        counters = catalog.decode_counters(view.archive.get("catalog", catalog.COUNTERS_KEY))
        names = sorted(counters.links.keys() | self._states.keys())
        return [self._describe(view, name, counters.links.get(name)) for name in names]

    def _describe(self, view: View, link: str, counted: LinkCounters | None) -> LinkInfo:
        stored = view.archive.get("catalog", catalog.position_key(link))
        info = LinkInfo(link=link, positions=catalog.decode_positions(stored) if stored else {})
        if counted is not None:
            info.received, info.new = counted.received, counted.new
            info.duplicate, info.rejected = counted.duplicate, counted.rejected
            info.gaps = counted.gaps
            info.last_seen = timestamps.text(counted.last_ns) if counted.last_ns else None
        if (state := self._states.get(link)) is not None:
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
