"""Reads archives of former layouts, in which the same events were stored under other keys.

layout 1  canonical: order key in canonical time (41) -> series (4) + stored envelope
layout 2  canonical: canonical time (8)               -> series (4) + stored envelope

In both, `source` has the order keys of today, followed by series (4) + canonical time (8), and the
catalog is that of today. Nothing is written to such an archive.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
from rocksdict import AccessType, Options, Rdict

from nova.core.errors import ArchiveDamagedError, ArchiveError
from nova.core.ordering import EVENT_ID_BYTES, SERIES_BYTES, TIME_BYTES, order_key
from nova.core.store import catalog
from nova.core.store.catalog_record import read_record
from nova.core.store.durability_marker import DurabilityMarker
from nova.core.store.key_value import KeyValue
from nova.core.store.keys import FAMILIES, event_id_of
from nova.core.store.live_files import RESTORE
from nova.core.store.mirror import Mirror
from nova.core.store.scan import first_row, scan
from nova.sdk import timestamps
from nova.sdk.address import LANE_PRIORITY

FIRST, LAST = b"", b"\xff" * 64
BLOCK_EVENTS = 5_000
T = TypeVar("T")


class EventBlock(NamedTuple):
    """Events in canonical order with the keys that they have in today's layout."""

    event_keys: list[bytes]
    source_keys: list[bytes]
    stored: list[bytes]


class OrderDigests(NamedTuple):
    """How many events there are, and the SHA-256 of their eventIds in both orders."""

    events: int
    canonical: str
    source: str


class _EnvelopeHead(msgspec.Struct, rename="camel"):
    lane: str
    source_truth_time: str


_heads = msgspec.json.Decoder(_EnvelopeHead)


class FormerArchive:
    """An archive, open for reading its layout, and its events if that is a former one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mirror = Mirror(path)  # So that nothing is written to the archive's own folder.
        try:
            self._mirror.refresh()
            families = {name: Options(raw_mode=True) for name in FAMILIES}
            own = str(self._mirror.path)
            self._database = Rdict(own, Options(raw_mode=True), families, AccessType.read_only())
        except Exception as error:
            self._mirror.close()
            raise ArchiveError(f"cannot open the archive in {path}: {error}") from error
        self._families = {name: self._database.get_column_family(name) for name in FAMILIES}

    def layout(self) -> bytes | None:
        """The version of the layout; None in an archive without a commit."""
        row = first_row(self._families["catalog"], catalog.SCHEMA_KEY, catalog.SCHEMA_KEY)
        return None if row is None else row[1]

    def holdings(self) -> DurabilityMarker:
        """What the archive holds, by its catalog."""
        records = dict(self.catalog())

        def decoded(key: bytes, decode: Callable[[bytes | None], T]) -> T:
            value = records.get(key)
            return decode(None) if value is None else read_record(self.path, key, value, decode)

        return DurabilityMarker(
            sequence=int(self._database.latest_sequence_number()),
            canonical_ns=decoded(catalog.LAST_CANONICAL_KEY, catalog.decode_time),
            events=decoded(catalog.COUNTERS_KEY, catalog.decode_counters).events,
        )

    def catalog(self) -> Iterator[KeyValue]:
        """The records of the catalog, without the layout's version."""
        for key, value in scan(self._families["catalog"], FIRST, LAST):
            if key != catalog.SCHEMA_KEY:
                yield key, value

    def blocks(self) -> Iterator[EventBlock]:
        """All events in canonical order; raises ArchiveDamagedError if one cannot be read."""
        rows = scan(self._families["canonical"], FIRST, LAST)
        while part := list(islice(rows, BLOCK_EVENTS)):
            stored = [value[SERIES_BYTES:] for _, value in part]
            keys = [key[:TIME_BYTES] + value[:SERIES_BYTES] for key, value in part]
            yield EventBlock(keys, [self._source_key(one) for one in stored], stored)

    def _source_key(self, stored: bytes) -> bytes:
        try:
            head = _heads.decode(stored)
            at_ns = timestamps.parse(head.source_truth_time)
            return order_key(at_ns, LANE_PRIORITY[head.lane], event_id_of(stored))
        except (msgspec.DecodeError, ValueError, KeyError) as error:
            raise ArchiveDamagedError(
                f"the archive in {self.path} holds an event that cannot be read: {error}. {RESTORE}"
            ) from error

    def digests(self) -> OrderDigests:
        """The digests of the eventIds as this layout stores them: in source order by its keys."""
        count = 0
        canonical, source = hashlib.sha256(), hashlib.sha256()
        for _, value in scan(self._families["canonical"], FIRST, LAST):
            canonical.update(event_id_of(value[SERIES_BYTES:]))
            count += 1
        for key, _ in scan(self._families["source"], FIRST, LAST):
            source.update(key[-EVENT_ID_BYTES:])
        return OrderDigests(count, canonical.hexdigest(), source.hexdigest())

    def close(self) -> None:
        for family in self._families.values():
            family.close()
        self._families.clear()
        self._database.close()
        self._mirror.close()
