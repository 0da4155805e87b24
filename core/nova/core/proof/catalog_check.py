"""Checks the records of the catalog: each must be known, readable, and agree with the events."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nova.core.errors import ArchiveDamagedError
from nova.core.ordering import ORDER_KEY_BYTES, time_of
from nova.core.proof.check_messages import StoredRequest
from nova.core.proof.finding import Finding
from nova.core.store import catalog
from nova.core.store.archive import Archive
from nova.core.store.catalog_reader import CATALOG
from nova.core.store.catalog_record import UNREADABLE, record_name
from nova.core.store.deleted_ids import DELETED_PREFIX, HEAD_BYTES
from nova.core.store.deleted_ids_sum import DeletedIdsSum, IdsSum
from nova.core.store.given_back import (
    GIVEN_BACK_PREFIX,
    ORIGIN_KEY,
    RECLAIMED_KEY,
    decode_given_back,
    decode_reclaimed,
)
from nova.core.store.key_value import KeyValue
from nova.core.store.rollup import ROLLUP_PREFIX
from nova.core.store.row_reader import RowReader
from nova.sdk import archive_id

DECODERS: dict[bytes, Callable[[bytes], object]] = {
    catalog.SERIES_PREFIX: catalog.decode_series,
    catalog.POSITION_PREFIX: catalog.decode_positions,
    catalog.COUNTERS_KEY: catalog.decode_counters,
    catalog.DISPATCH_PREFIX: catalog.decode_dispatch,
    catalog.LINK_ROUTES_PREFIX: catalog.decode_link_routes,
    catalog.REJECT_PREFIX: lambda value: catalog.decode_reject(value, 0),
    catalog.MANIFEST_CONFLICTS_KEY: catalog.decode_conflicts,
    catalog.LAST_CANONICAL_KEY: catalog.decode_time,
    catalog.BINDING_PREFIX: lambda value: value.decode(),
    catalog.SCHEMA_KEY: lambda value: value.decode(),
    catalog.ARCHIVE_ID_KEY: lambda value: value.decode(),
    catalog.REQUEST_PREFIX: bytes,
    catalog.COMMAND_PREFIX: lambda value: value.decode(),
    catalog.SEAL_PREFIX: bytes,
    ROLLUP_PREFIX: bytes,
    GIVEN_BACK_PREFIX: decode_given_back,
    ORIGIN_KEY: time_of,
    RECLAIMED_KEY: decode_reclaimed,
    DELETED_PREFIX: bytes,
}
"""What reads a record, by its key or the beginning of it; other keys are unknown."""


class CatalogCheck:
    """Checks the catalog of an archive against what was found in its events."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._rows = RowReader(archive)

    def findings(
        self, events: int, requests: Sequence[StoredRequest], *, is_still: bool
    ) -> list[Finding]:
        """What is wrong. `is_still`: no event was stored while the others were checked, so that
        counts can be compared.
        """
        found, ids, ids_sum = [], 0, DeletedIdsSum()
        for block in self._rows.blocks(CATALOG, b"", b"\xff" * 64):
            for row in block:
                if row[0].startswith(DELETED_PREFIX):
                    ids += len(row[1]) // HEAD_BYTES
                    ids_sum.add([row])
                if one := _record_fault(row):
                    found.append(one)
        found += self._deletions(ids, ids_sum.value())
        found += self._series()
        found += self._identity()
        if is_still:
            found += self._counts(events)
            found += self._request_rows(requests)
        return found

    def _series(self) -> list[Finding]:
        """Series are numbered from 0 on, each name once."""
        seen: dict[object, int] = {}
        found = []
        try:
            for place, (number, series) in enumerate(self._archive.record.series()):
                name = record_name(catalog.series_record_key(number))
                if number != place:
                    found.append(_changed(name, f"it follows the series {place - 1}"))
                    break
                if series in seen:
                    found.append(_changed(name, f"it has the names of series {seen[series]}"))
                seen[series] = number
        except ArchiveDamagedError:
            return []  # Reported by its record.
        return found

    def _identity(self) -> list[Finding]:
        beside = archive_id.read(self._archive.path.parent)
        stored = self._archive.record.archive_id()
        if beside == stored:
            return []
        reason = f"the archive has the id {stored}, but the file beside it {beside}"
        return [_changed(archive_id.ID_FILE, reason)]

    def _deletions(self, ids: int, ids_sum: IdsSum) -> list[Finding]:
        """The days that were given back have deleted what is counted, and each event's id stays.
        Their sum is in the last record, if this version wrote it.
        """
        deleted = self._archive.given_back.deletions().deleted
        found = []
        if ids != deleted:
            reason = f"{deleted:,} events were deleted, but the ids of {ids:,} are there"
            found.append(_changed(record_name(DELETED_PREFIX), reason))
        elif (entries := self._archive.given_back.entries) and (
            entries[-1].ids_sum not in (b"", ids_sum)
        ):
            reason = "the ids that are kept are not those of the deleted events"
            found.append(_changed(record_name(DELETED_PREFIX), reason))
        counted = self._archive.record.counters().deleted
        if counted != deleted:
            reason = f"it counts {counted:,} deleted events, but days record {deleted:,}"
            found.append(_changed(record_name(catalog.COUNTERS_KEY), reason))
        return found

    def _counts(self, events: int) -> list[Finding]:
        found = []
        counters, last_ns = self._archive.record.counters_and_last_ns()
        if counters.held != events:
            reason = f"it counts {counters.held:,} events, and the archive holds {events:,}"
            found.append(_changed(record_name(catalog.COUNTERS_KEY), reason))
        newest = self._archive.events.last("canonical")
        if newest is not None and time_of(newest[0]) > last_ns:
            reason = "it is before the newest event"
            found.append(_changed(record_name(catalog.LAST_CANONICAL_KEY), reason))
        return found

    def _request_rows(self, requests: Sequence[StoredRequest]) -> list[Finding]:
        """The first request of each requestId, and of each commandId, has its record. Archives of
        before have no records of commandIds.
        """
        first: dict[bytes, bytes] = {}
        commands: dict[bytes, bytes] = {}
        for one in requests:
            key = catalog.request_key(one.scope_id, one.request_id)
            if first.setdefault(key, one.order_key) == one.order_key:
                command = catalog.command_key(one.scope_id, one.command_id)
                commands.setdefault(command, one.request_id.encode())
        found = self._differing(catalog.REQUEST_PREFIX, first)
        found += self._differing(catalog.COMMAND_PREFIX, commands)
        stored = self._rows.values(CATALOG, list(first))
        for key, value in zip(first, stored, strict=True):
            if value is None:
                found.append(
                    Finding(kind="missing", place=record_name(key), reason="a request lacks it")
                )
                break
        return found

    def _differing(self, prefix: bytes, expected: dict[bytes, bytes]) -> list[Finding]:
        for block in self._rows.blocks(CATALOG, prefix, prefix + b"\xff" * 64):
            for key, value in block:
                wanted = expected.get(key)
                if wanted is None:
                    reason = "no CommandRequest has it"
                    return [Finding(kind="added", place=record_name(key), reason=reason)]
                if wanted != value:
                    return [_changed(record_name(key), "it names another than the first request")]
        return []


def _record_fault(row: KeyValue) -> Finding | None:
    key, value = row
    head, slash, rest = key.partition(b"/")
    decode = DECODERS.get(key) or (DECODERS.get(head + slash) if rest else None)
    name = record_name(key)
    if decode is None:
        return Finding(kind="added", place=name, reason="this version knows no such record")
    try:
        decode(value)
    except UNREADABLE as error:
        return _changed(name, f"it cannot be read: {error}")
    if head + slash == catalog.REQUEST_PREFIX and len(value) != ORDER_KEY_BYTES:
        return _changed(name, "it is no order key")
    return None


def _changed(place: str, reason: str) -> Finding:
    return Finding(kind="changed", place=place, reason=reason)
