"""Fills an archive with small events of many series much faster than the writer takes them in:
rows are written straight into the store, with all their index rows. The writer's own records
(series, bindings) come from a few events that it took in before, and it counts the rollups at the
end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from hashlib import sha256
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

from bench.work import START_NS, Work
from nova.core.ordering import order_keys, series_of_event_key
from nova.core.store import catalog
from nova.core.store.archive import Archive
from nova.core.store.archive_identity import ensure_id
from nova.core.store.durability_marker import write_marker
from nova.core.store.keys import event_keys
from nova.core.store.rollup import ROLLUP_PREFIX
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.address import LANE_PRIORITY
from nova.sdk.events.event import check_stored, stamped
from nova.sdk.events.event_id import hashed_head
from nova.sdk.events.series import hashed_ids
from nova.sdk.timestamps import NS_PER_SECOND
from nova.sdk.transport.base import Batch, Record

FIRST_EVENTS = 3_000
BATCH_EVENTS = 5_000
STEP_NS = NS_PER_SECOND // 100
ID_END = len('{"eventId":"') + 64
TIME_MEMBER, PAYLOAD_MEMBER = b'"sourceTruthTime":"', b',"payload":'


class _Template(NamedTuple):
    """What the events of a series share."""

    number: int
    head: bytes
    before_time: bytes
    after_time: bytes
    after_payload: bytes


class EventPace(NamedTuple):
    """The source times of the events: the first, and the time from one to the next."""

    start_ns: int = START_NS
    step_ns: int = STEP_NS


def count_payload(number: int) -> bytes:
    return b'{"count":%d}' % number


def fill(
    data: Path,
    events: int,
    first: Iterable[Sequence[Record]] | None = None,
    payload: Callable[[int], bytes] = count_payload,
    pace: EventPace | None = None,
) -> None:
    """Make an archive of about this number of events in an empty folder: of the parsed series of
    the `first` ones, which the writer takes in, with a payload each by its number.
    """
    pace = pace or EventPace()
    first = Work(FIRST_EVENTS).batches(BATCH_EVENTS) if first is None else first
    with closing(Archive.open_primary(data)) as archive:
        ensure_id(archive, data)
        committer = Committer(archive, data)
        for records in first:
            committer.add_batch("bulk", Batch(records))
        committer.close_commit()
        templates = cycle(_templates(archive))
        first_ns, done = committer.last_ns + 1, 0
        counters = archive.record.counters()
        while done < events:
            count = min(BATCH_EVENTS, events - done)
            chosen = list(islice(templates, count))
            payloads = [payload(done + place) for place in range(count)]
            times = [pace.start_ns + (done + n) * pace.step_ns for n in range(count)]
            _write(archive, chosen, first_ns + done, times, payloads)
            done += count
        counters.events += done
        batch = archive.batch()
        batch.put_record(catalog.COUNTERS_KEY, catalog.encode_counters(counters))
        last_ns = first_ns + done - 1
        batch.put_record(catalog.LAST_CANONICAL_KEY, catalog.encode_time(last_ns))
        batch.delete_records(ROLLUP_PREFIX, ROLLUP_PREFIX + b"\xff")
        archive.write(batch)
        counted = Committer(archive, data)
        archive.sync()
        write_marker(data, counted.marker())


def _templates(archive: Archive) -> Iterator[_Template]:
    """One for each series of the lane parsed."""
    seen = set()
    for key, stored in archive.events.scan("canonical"):
        series = series_of_event_key(key)
        if b'"lane":"parsed"' not in stored[:160] or series in seen:
            continue
        seen.add(series)
        event, _ = check_stored(stored)
        names = event.series
        start = stored.index(TIME_MEMBER) + len(TIME_MEMBER)
        payload = stored.index(PAYLOAD_MEMBER, start) + len(PAYLOAD_MEMBER)
        yield _Template(
            series,
            hashed_head(names.scope_id, names.lane, hashed_ids(names), names.message_type),
            stored[ID_END:start],
            stored[start + timestamps.NORMAL_CHARS : payload],
            b',"schemaVersion":"%b"}' % event.schema_version.encode(),
        )


def _write(
    archive: Archive,
    templates: Sequence[_Template],
    first_ns: int,
    times: Sequence[int],
    payloads: Sequence[bytes],
) -> None:
    """Write one event of each template, in a batch of its own."""
    ids, bodies = [], []
    for one, at_ns, payload in zip(templates, times, payloads, strict=True):
        text = timestamps.text(at_ns).encode()
        hashed = b'%b%b\n{"payload":%b%b' % (one.head, text, payload, one.after_payload)
        digest = sha256(hashed).digest()
        ids.append(digest)
        bodies.append(
            b'{"eventId":"%b%b%b%b%b'
            % (digest.hex().encode(), one.before_time, text, one.after_time, payload)
        )
    keys = event_keys(first_ns, [one.number for one in templates])
    batch = archive.batch()
    lanes = [LANE_PRIORITY["parsed"]] * len(templates)
    batch.put_events(keys, order_keys(times, lanes, ids), stamped(bodies, first_ns))
    archive.write(batch)
