"""The days that retention has given back: of which scope and lane, since when, and how much.

A row is written before the first event of its day is deleted, and finished after the last one. So
one row at most is unfinished, the last. Of a scope and lane, days are given back from the oldest on
without a gap: everything that was received before the end of the last one is gone, except what the
states of views at the start of the kept days need.

given/<4 bytes>   MessagePack: one day of a scope and lane
archive/origin    event key of the archive's first event, once that may be deleted
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from nova.core.ordering import TIME_BYTES, time_of
from nova.core.store import catalog
from nova.core.store.catalog_record import read_record
from nova.core.store.deleted_ids_sum import IdsSum
from nova.core.store.families import Families
from nova.core.store.scan import scan
from nova.core.utc_day import span_of
from nova.sdk.events.day_seal import SealGroup, group_of
from nova.sdk.events.event import Series
from nova.sdk.timestamps import NS_MIN

GIVEN_BACK_PREFIX = b"given/"
ORIGIN_KEY = b"archive/origin"
RECLAIMED_KEY = b"given-reclaimed"
NUMBER_BYTES = 4
CATALOG = "catalog"

TimeSpan = tuple[int, int]
"""First and last time in ns, both included."""


class DayGivenBack(msgspec.Struct, array_like=True, kw_only=True):
    """One day of a scope and lane. `events`, `bytes` and `digest` are of all its events in order of
    receipt; `deleted` counts those that are deleted, with earlier ones that states needed until
    then. `source_spans` cover the source times of the deleted events. `ids_sum` is that of all rows
    with ids of deleted events, of this day and of all before it; earlier versions wrote none.
    `removes_files`: the daily files of the day go with it, `files` of `file_bytes`.
    """

    day: str
    scope_id: str
    lane: str
    principal: str
    principal_kind: str
    rule: str
    events: int
    bytes: int
    digest: str
    source_spans: list[TimeSpan]
    deleted: int = 0
    is_finished: bool = False
    ids_sum: IdsSum = b""
    removes_files: bool = False
    files: int = 0
    file_bytes: int = 0

    @property
    def span(self) -> TimeSpan:
        """The first and the last ns of the day, in canonical time."""
        return span_of(self.day)

    def has_series(self, series: Series) -> bool:
        """Whether events of this series are deleted; NOVA's own are kept."""
        return group_of(series) == SealGroup(self.scope_id, self.lane, is_own=False)


class Reclaimed(msgspec.Struct, array_like=True):
    """How many finished days were compacted, and the number of deleted events when the indexes of
    series last were.
    """

    days: int = 0
    indexed: int = 0


class Deletions(msgspec.Struct, array_like=True, frozen=True):
    """How far deletions are. Every commit that is part of one changes it."""

    days: int
    finished: int
    deleted: int


_given_back = msgspec.msgpack.Decoder(DayGivenBack)
decode_reclaimed = msgspec.msgpack.Decoder(Reclaimed).decode


def decode_given_back(value: bytes) -> DayGivenBack:
    """Raises msgspec.DecodeError, UnicodeDecodeError, or NovaError if its day is none."""
    entry = _given_back.decode(value)
    span_of(entry.day)
    return entry


def given_back_key(number: int) -> bytes:
    return GIVEN_BACK_PREFIX + number.to_bytes(NUMBER_BYTES, "big")


def encode_given_back(entry: DayGivenBack) -> bytes:
    return msgspec.msgpack.encode(entry)


def record_digest(stored: bytes) -> str:
    """The digest of a finished record as it is stored."""
    return hashlib.sha256(stored).hexdigest()


def encode_reclaimed(reclaimed: Reclaimed) -> bytes:
    return msgspec.msgpack.encode(reclaimed)


class GivenBackDays:
    """The days given back of one archive, as of the last `refresh`."""

    def __init__(self, families: Families) -> None:
        self._families = families
        self.entries: list[DayGivenBack] = []
        self._kept_from: dict[tuple[str, str], int] = {}

    def refresh(self) -> None:
        """Read what was added or finished since the last call."""
        first = self.finished
        del self.entries[first:]
        upper = GIVEN_BACK_PREFIX + b"\xff" * NUMBER_BYTES
        for key, value in scan(self._families[CATALOG], given_back_key(first), upper):
            entry = read_record(self._families.path, key, value, decode_given_back)
            self.entries.append(entry)
            self._kept_from[entry.scope_id, entry.lane] = entry.span[1] + 1

    @property
    def finished(self) -> int:
        """The number of days whose events are deleted."""
        return len(self.entries) - (self.unfinished is not None)

    @property
    def unfinished(self) -> DayGivenBack | None:
        """The day whose events are being deleted."""
        is_running = bool(self.entries) and not self.entries[-1].is_finished
        return self.entries[-1] if is_running else None

    @property
    def progress(self) -> tuple[int, int]:
        """The number of days, and of the deleted events of the last one; it changes with every
        deletion, as of the last `refresh`.
        """
        return len(self.entries), self.entries[-1].deleted if self.entries else 0

    def deletions(self) -> Deletions:
        """How far deletions are, read anew."""
        self.refresh()
        deleted = sum(entry.deleted for entry in self.entries)
        return Deletions(len(self.entries), self.finished, deleted)

    def since(self, finished: int) -> Sequence[DayGivenBack]:
        """The days after a number of finished ones, with the one that is being deleted."""
        return self.entries[finished:]

    def kept_from(self, series: Series) -> int:
        """The canonical time in ns from which on events of a series are kept."""
        if group_of(series).is_own:
            return NS_MIN
        return self._kept_from.get((series.scope_id, series.lane), NS_MIN)

    def kept(self) -> dict[tuple[str, str], int]:
        """By scope and lane, the canonical time in ns from which on events are kept."""
        return dict(self._kept_from)

    def has_deleted(self, event_key: bytes) -> bool:
        """Whether an event with this key may have been deleted."""
        if not self.entries or not event_key:
            return False
        key = catalog.SERIES_PREFIX + event_key[TIME_BYTES:]
        stored = self._families.read(CATALOG, key)
        if stored is None:
            return False
        series = read_record(self._families.path, key, stored, catalog.decode_series)
        return time_of(event_key) < self.kept_from(series)

    def stored_digest(self, number: int) -> str | None:
        """The digest of a record as it is stored; None without it."""
        stored = self._families.read(CATALOG, given_back_key(number))
        return None if stored is None else record_digest(stored)

    def reclaimed(self) -> Reclaimed:
        """What was compacted so far."""
        stored = self._families.read(CATALOG, RECLAIMED_KEY)
        if stored is None:
            return Reclaimed()
        return read_record(self._families.path, RECLAIMED_KEY, stored, decode_reclaimed)
