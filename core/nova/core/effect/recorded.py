"""The histories of series, read from an archive incrementally."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, Protocol, TypeVar

from nova.core.effect.history import History, event_times
from nova.core.errors import ArchiveDamagedError
from nova.core.ordering import time_of
from nova.core.store.archive import Archive
from nova.core.store.series_table import SeriesTable
from nova.sdk.timestamps import NS_MIN

FETCH_EVENTS = 50
"""Envelopes fetched by one multi-get; one may have a megabyte."""

Value = TypeVar("Value")


class WatermarkedArchive(Protocol):
    """An archive up to a watermark."""

    @property
    def archive(self) -> Archive: ...

    @property
    def series(self) -> SeriesTable: ...

    @property
    def watermark(self) -> int:
        """The watermark: canonical time in ns, past which nothing is read."""

    def may_have_events_after(self, number: int, since_ns: int) -> bool:
        """Whether a series may have events after a canonical time."""


@dataclass(slots=True)
class _ReadHistory(Generic[Value]):
    """The history of one series up to the canonical time `seen_ns`."""

    seen_ns: int = NS_MIN
    history: History[Value] = field(default_factory=History)


class SeriesHistories(Generic[Value]):
    """The histories of series. `read` returns the value of a stored event, or None to skip it; it
    gets the events of a series in order of receipt.
    """

    def __init__(
        self, records: WatermarkedArchive, read: Callable[[int, bytes], Value | None]
    ) -> None:
        self._records = records
        self._read = read
        self._histories: dict[int, _ReadHistory[Value]] = {}

    def history_of(self, number: int) -> History[Value]:
        """The history of a series up to the watermark."""
        known = self._histories.setdefault(number, _ReadHistory())
        watermark = self._records.watermark
        if self._records.may_have_events_after(number, known.seen_ns):
            self._extend(known, number, watermark)
            known.seen_ns = watermark
        return known.history

    def _extend(self, read: _ReadHistory[Value], number: int, watermark: int) -> None:
        archive = self._records.archive
        from_ns = NS_MIN if read.seen_ns == NS_MIN else read.seen_ns + 1
        event_keys = archive.series.event_keys(number, from_ns, watermark)
        while part := list(islice(event_keys, FETCH_EVENTS)):
            for event_key, stored in zip(part, archive.events.envelopes(part), strict=True):
                if stored is None:
                    raise ArchiveDamagedError(
                        f"the archive in {archive.path} lacks the event of key {event_key.hex()}, "
                        "which `series_canonical` lists"
                    )
                value = self._read(number, stored)
                if value is not None:
                    read.history.add(event_times(time_of(event_key), stored), value)
