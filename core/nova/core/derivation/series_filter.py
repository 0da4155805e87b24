"""An event filter that wants the events of given series."""

from __future__ import annotations

from nova.core.query.event_filter import EventFilter
from nova.core.store.series_selection import SeriesSelection
from nova.core.store.series_table import SeriesTable
from nova.sdk.events.event import Series
from nova.sdk.protocol.messages import Filters


class SeriesFilter(EventFilter):
    """Wants the events of these series, also of those that appear later."""

    def __init__(self, wanted: frozenset[Series], table: SeriesTable) -> None:
        super().__init__(Filters(lanes=["parsed", "ui"]), table)
        self._selection = SeriesSelection(table, wanted.__contains__, None)
