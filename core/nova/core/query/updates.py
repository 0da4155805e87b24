"""The updates of one view in the order of a timebase, each with its position."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec

from nova.core.ordering import SERIES_BYTES, TIME_BYTES, Timebase, time_of, times_of
from nova.core.query.accepted_times import accepted_times
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_key import EventKey, event_keys
from nova.core.query.lookup import look_up
from nova.core.store.checkpoint_store import NO_ID, POSITION_BYTES, position_at, position_time
from nova.core.store.keys import ID_HEAD_BYTES, event_id_of
from nova.sdk.timestamps import NS_MAX, NS_MIN

PART_EVENTS = 500
PART_MAX_BYTES = 4 * 1024 * 1024


class UpdateFields(msgspec.Struct, rename="camel"):
    """The decoded members of a view update; values stay raw JSON."""

    source_truth_time: str
    manifest_id: str
    manifest_version: str
    data: dict[str, msgspec.Raw]


class Update(NamedTuple):
    """An update of a series with its position and time in one timebase, and its receive time."""

    position: bytes
    time_ns: int
    canonical_ns: int
    fields: UpdateFields
    stored: bytes


_update_decoder = msgspec.json.Decoder(UpdateFields)


def decode_update(position: bytes, time_ns: int, canonical_ns: int, stored: bytes) -> Update:
    """An update whose position and times are known."""
    return Update(position, time_ns, canonical_ns, _update_decoder.decode(stored), stored)


def position_of(event_key: EventKey, timebase: Timebase) -> bytes:
    """The position of the update with this key."""
    if timebase == "source":
        return event_key.index_key[SERIES_BYTES : SERIES_BYTES + POSITION_BYTES]
    return event_key.index_key[SERIES_BYTES : SERIES_BYTES + TIME_BYTES] + NO_ID


def in_both_timebases(
    event_keys: Sequence[bytes], stored: Sequence[bytes]
) -> dict[Timebase, list[Update]]:
    """Stored updates with their positions in source and in canonical time, computed from their
    envelopes.
    """
    fields = list(map(_update_decoder.decode, stored))
    source_ns = accepted_times([one.source_truth_time for one in fields]).tolist()
    canonical_ns = times_of(event_keys)
    ids = [event_id_of(envelope)[:ID_HEAD_BYTES] for envelope in stored]
    source = map(position_at, source_ns, ids)
    canonical = map(position_at, canonical_ns)
    return {
        "source": list(map(Update, source, source_ns, canonical_ns, fields, stored)),
        "canonical": list(map(Update, canonical, canonical_ns, canonical_ns, fields, stored)),
    }


def newest_update(
    snapshot: ArchiveSnapshot, number: int, timebase: Timebase, time_ns: int
) -> Update | None:
    """The latest durable update of a series at or before a time."""
    newest = next(event_keys(snapshot, number, timebase, time_ns, reverse=True), None)
    return None if newest is None else next(_updates(snapshot, timebase, [newest]))


def updates_between(
    snapshot: ArchiveSnapshot,
    number: int,
    timebase: Timebase,
    first: bytes,
    last: bytes,
    until_ns: int = NS_MAX,
) -> Iterator[Update]:
    """The durable updates of a series between two positions, both included, received at or before
    canonical time `until_ns`.
    """
    from_ns = position_time(first) if first else NS_MIN
    rows = event_keys(
        snapshot, number, timebase, position_time(last), reverse=False, from_ns=from_ns
    )
    wanted = (
        row
        for row in rows
        if first <= position_of(row, timebase) <= last and time_of(row.canonical_key) <= until_ns
    )
    while part := list(islice(wanted, PART_EVENTS)):
        yield from _updates(snapshot, timebase, part)


def updates_after(snapshot: ArchiveSnapshot, number: int, canonical_ns: int) -> Iterator[Update]:
    """The updates received after a canonical time, with their positions in source time."""
    if canonical_ns >= snapshot.watermark:
        return
    rows = event_keys(
        snapshot, number, "canonical", snapshot.watermark, reverse=False, from_ns=canonical_ns + 1
    )
    while part := list(islice(rows, PART_EVENTS)):
        found = list(_updates(snapshot, "canonical", part))
        keys = [update.position for update in found]
        yield from in_both_timebases(keys, [update.stored for update in found])["source"]


def _updates(
    snapshot: ArchiveSnapshot, timebase: Timebase, rows: Sequence[EventKey]
) -> Iterator[Update]:
    start = 0
    while start < len(rows):
        part = rows[start:]
        keys = [row.canonical_key for row in part]
        found = look_up(snapshot.archive, keys, sorted(keys), PART_MAX_BYTES)
        for row, stored in zip(part, found, strict=False):
            canonical_ns = time_of(row.canonical_key)
            yield decode_update(position_of(row, timebase), row.time_ns, canonical_ns, stored)
        start += len(found)
