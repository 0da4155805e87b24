"""Reads the catalog's records, decoded. Keys and codecs are in `catalog.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from nova.core.errors import ArchiveDamagedError
from nova.core.store import catalog
from nova.core.store.catalog import Counters, Dispatch
from nova.core.store.catalog_record import read_record
from nova.core.store.families import Families
from nova.core.store.scan import Seeker, last_row, scan
from nova.sdk.events.event import Series

CATALOG = "catalog"

T = TypeVar("T")


class CatalogReader:
    """An absent record is read as that of a new archive: counters of zero, no positions. One that
    cannot be read raises ArchiveDamagedError.
    """

    def __init__(self, families: Families) -> None:
        self._families = families

    def has(self, key: bytes) -> bool:
        """Whether there is a record with this key, such as `catalog.request_key`."""
        return self._read(key) is not None

    def check_schema(self) -> None:
        """Raise ArchiveError if the archive has another layout than this version reads."""
        catalog.check_schema(self._read(catalog.SCHEMA_KEY), self._families.path)

    def archive_id(self) -> str | None:
        return self._decoded(catalog.ARCHIVE_ID_KEY, bytes.decode)

    def counters(self) -> Counters:
        return self._counters(self._read(catalog.COUNTERS_KEY))

    def last_canonical_ns(self) -> int:
        """The last canonical time that was assigned, in ns."""
        return self._last_ns(self._read(catalog.LAST_CANONICAL_KEY))

    def counters_and_last_ns(self) -> tuple[Counters, int]:
        """`counters` and `last_canonical_ns`, both as of the same commit."""
        counters, last_ns = self._families.read_many(
            CATALOG, [catalog.COUNTERS_KEY, catalog.LAST_CANONICAL_KEY]
        )
        return self._counters(counters), self._last_ns(last_ns)

    def positions(self, link: str) -> dict[str, int]:
        """The next position of each stream of a link."""
        return self._decoded(catalog.position_key(link), catalog.decode_positions) or {}

    def manifest_conflicts(self) -> list[str]:
        return self._decoded(catalog.MANIFEST_CONFLICTS_KEY, catalog.decode_conflicts) or []

    def request(self, scope_id: str, request_id: str) -> bytes | None:
        """The order key of the first CommandRequest with a requestId."""
        return self._read(catalog.request_key(scope_id, request_id))

    def dispatches(self) -> list[Dispatch]:
        """The commands of this Core whose dispatch is not finished."""
        lower, upper = catalog.DISPATCH_PREFIX, catalog.DISPATCH_PREFIX + b"\xff"
        rows = scan(self._families[CATALOG], lower, upper)
        path, decode = self._families.path, catalog.decode_dispatch
        return [read_record(path, key, value, decode) for key, value in rows]

    def link_routes(self, key: bytes) -> dict[str, str]:
        """The routes under a `catalog.link_routes_key`: the order key in hex by link."""
        return self._decoded(key, catalog.decode_link_routes) or {}

    def binding(self, key: bytes) -> str | None:
        """The driver under a `catalog.binding_key`; empty if none fits, None if none was sought."""
        return self._decoded(key, bytes.decode)

    def seals(self) -> list[tuple[str, bytes]]:
        """The sealed days, in order, with the order keys of the events that seal them."""
        lower, upper = catalog.SEAL_PREFIX, catalog.SEAL_PREFIX + b"\xff"
        rows = scan(self._families[CATALOG], lower, upper)
        return [(key[len(lower) :].decode("ascii", "replace"), value) for key, value in rows]

    def newest_seal(self) -> bytes | None:
        """The order key of the event that seals the last sealed day; None if none is sealed."""
        lower, upper = catalog.SEAL_PREFIX, catalog.SEAL_PREFIX + b"\xff"
        row = last_row(self._families[CATALOG], lower, upper)
        return None if row is None else row[1]

    def seal(self, day: str) -> bytes | None:
        """The order key of the event that seals a day; None if the day is not sealed."""
        return self._read(catalog.seal_key(day))

    def series(
        self, first: int = 0, unreadable: Series | None = None
    ) -> Iterator[tuple[int, Series]]:
        """The series from a number on, with their numbers. `unreadable` stands for those whose
        record cannot be read.
        """
        lower, upper = catalog.series_record_key(first), catalog.SERIES_PREFIX + b"\xff" * 4
        for key, value in scan(self._families[CATALOG], lower, upper):
            try:
                series = read_record(self._families.path, key, value, catalog.decode_series)
            except ArchiveDamagedError:
                if unreadable is None:
                    raise
                series = unreadable
            yield catalog.series_number(key), series

    def rejects(self) -> RejectSeeker:
        """The reject log, as of now."""
        return RejectSeeker(Seeker(self._families[CATALOG]))

    def _counters(self, stored: bytes | None) -> Counters:
        path, key = self._families.path, catalog.COUNTERS_KEY
        return (
            Counters()
            if stored is None
            else read_record(path, key, stored, catalog.decode_counters)
        )

    def _last_ns(self, stored: bytes | None) -> int:
        key = catalog.LAST_CANONICAL_KEY
        path = self._families.path
        return 0 if stored is None else read_record(path, key, stored, catalog.decode_time)

    def _decoded(self, key: bytes, decode: Callable[[bytes], T]) -> T | None:
        stored = self._read(key)
        return None if stored is None else read_record(self._families.path, key, stored, decode)

    def _read(self, key: bytes) -> bytes | None:
        return self._families.read(CATALOG, key)


class RejectSeeker:
    """Finds rows of the reject log in one snapshot of it."""

    _UPPER = catalog.reject_key(2 ** (8 * catalog.NUMBER_BYTES) - 1)

    def __init__(self, rows: Seeker) -> None:
        self._rows = rows

    def first(self, number: int) -> tuple[int, bytes] | None:
        """The number of the first rejected record from `number` on, and its row as it is stored,
        for `catalog.decode_reject`; it may have megabytes.
        """
        row = self._rows.first(catalog.reject_key(number), self._UPPER)
        return None if row is None else (catalog.reject_number(row[0]), row[1])
