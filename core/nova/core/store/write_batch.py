"""The archive's atomic write batch over several column families."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat

from rocksdict import ColumnFamily, WriteBatch

from nova.core.ordering import TIME_BYTES
from nova.core.store.index_rows import series_rows
from nova.core.store.key_value import KeyValue
from nova.core.store.keys import EVENT_FAMILIES, series_source_key
from nova.sdk.native import EventRows, native_part


class ArchiveBatch:
    def __init__(self, handles: dict[str, ColumnFamily]) -> None:
        self.raw = WriteBatch(raw_mode=True)
        # The archive's own dict, which it clears on close: a copied handle would keep the database
        # open.
        self._handles = handles
        self._parts: list[EventRows] = []
        """Events whose rows the native part puts together, when the batch is complete."""

        self._parts_bytes = 0

    def complete(self) -> WriteBatch:
        """All of it, as RocksDB takes it."""
        if self._parts and (native := native_part()):
            canonical, source, *of_series = (self._handles[name] for name in EVENT_FAMILIES)
            families = (canonical, source, of_series[0], of_series[1])
            native.put_events(self.raw.put, families, self._parts)
            self._parts, self._parts_bytes = [], 0
        return self.raw

    def put_record(self, key: bytes, value: bytes) -> None:
        """Set a record of the catalog."""
        self.raw.put(key, value, self._handles["catalog"])

    def put_records(self, records: Iterable[KeyValue]) -> None:
        put, handle = self.raw.put, self._handles["catalog"]
        for key, value in records:
            put(key, value, handle)

    def delete_record(self, key: bytes) -> None:
        self.raw.delete(key, self._handles["catalog"])

    def delete_records(self, lower: bytes, upper: bytes) -> None:
        """Remove the records whose keys are in [lower, upper)."""
        self.raw.delete_range(lower, upper, self._handles["catalog"])

    def put_events(
        self,
        event_keys: Sequence[bytes],
        source_keys: Sequence[bytes],
        stored: Sequence[bytes],
    ) -> None:
        """Add events under their event keys, which are in canonical order, and their rows in the
        three index families.

        Index rows of series are grouped by series: neighbours in the memtable cost a third less to
        insert (bench/results). The native part groups those of the whole batch.
        """
        if native := native_part():
            self._parts.append((event_keys, source_keys, stored))
            self._parts_bytes += native.rows_bytes(stored)
            return
        self._put("canonical", event_keys, stored)
        self._put("source", source_keys, event_keys)
        rows = series_rows(event_keys, source_keys)
        self._put("series_canonical", rows[0], repeat(b""))
        self._put("series_source", rows[1], rows[2])

    def _put(self, family: str, keys: Iterable[bytes], values: Iterable[bytes]) -> None:
        """Set rows of a family."""
        for _ in map(self.raw.put, keys, values, repeat(self._handles[family])):
            pass

    def delete_events(self, event_keys: Sequence[bytes], source_keys: Sequence[bytes]) -> None:
        """Remove events from all four families; the two sequences are parallel.

        Each row by itself: a family has the rows of one day only in canonical time, and not of one
        lane, and many range deletions would slow down every later read.
        """
        delete, to = self.complete().delete, self._handles
        for event_key, source_key in zip(event_keys, source_keys, strict=True):
            series = event_key[TIME_BYTES:]
            delete(event_key, to["canonical"])
            delete(source_key, to["source"])
            delete(series + event_key[:TIME_BYTES], to["series_canonical"])
            delete(series_source_key(series, source_key), to["series_source"])

    def size_bytes(self) -> int:
        return int(self.raw.size_in_bytes()) + self._parts_bytes
