"""The columns of a checked batch; a record that is refused does not stop the others."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from nova.core.ordering import order_keys
from nova.sdk.address import LANE_PRIORITY
from nova.sdk.events.checker import CheckedBatch, Checker, RecordTuple, RejectedRecord
from nova.sdk.events.envelope import CommandRequest
from nova.sdk.events.event import Event, Series
from nova.sdk.events.known_streams import KnownEvents, KnownStreams
from nova.sdk.events.lane_codec import SPARSE_LANES


class BatchColumns(msgspec.Struct, array_like=True):
    """A batch's events as columns: item i of `keys`, `series` and `bodies` is one event.

    `keys` are order keys in source time; `series` are indexes into `names` and `versions`, pairs of
    a series and a schemaVersion (empty but on parsed). A body is the stored envelope up to its
    canonicalTruthTime. `sparse` are the indexes of the events of SPARSE_LANES, `requests` are
    (index, requestId) of those that are CommandRequests. The validation pool sends it between
    processes as MessagePack.
    """

    keys: list[bytes]
    series: list[int]
    bodies: list[bytes]
    names: list[Series]
    versions: list[str]
    sparse: list[int]
    requests: list[tuple[int, str]]
    refusals: list[RejectedRecord]


def check_records(records: Sequence[RecordTuple], checker: Checker) -> BatchColumns:
    """The valid events of `records`, in order, and the refusals."""
    if checker.known is None:
        return _checked_columns(checker.check_all(records))
    found = checker.known.check(records)
    columns = _known_columns(found, checker.known)
    if found.unsure:
        rest = checker.check_all([records[place] for place in found.unsure])
        _merge(columns, _checked_columns(rest), found.unsure)
    return columns


def _known_columns(found: KnownEvents, known: KnownStreams) -> BatchColumns:
    """The columns of the events that the native part has checked."""
    streams = dict.fromkeys(found.streams)
    numbers = {stream: number for number, stream in enumerate(streams)}
    return BatchColumns(
        found.keys,
        list(map(numbers.__getitem__, found.streams)),
        found.bodies,
        [known.series[stream] for stream in streams],
        [known.versions[stream] for stream in streams],
        [],
        [],
        [],
    )


def _merge(columns: BatchColumns, rest: BatchColumns, places: Sequence[int]) -> None:
    """Insert what was found of the other records, which are at `places` of the batch."""
    first = len(columns.names)
    columns.names += rest.names
    columns.versions += rest.versions
    refused = {refusal.place for refusal in rest.refusals}
    columns.refusals += [one._replace(place=places[one.place]) for one in rest.refusals]
    requests, sparse = dict(rest.requests), set(rest.sparse)
    # In order, so that every event before the next one is in its place already.
    events = iter(zip(rest.keys, rest.series, rest.bodies, strict=True))
    number = 0
    for index, place in enumerate(places):
        if index in refused:
            continue
        at = place - index + number
        key, series, body = next(events)
        columns.keys.insert(at, key)
        columns.series.insert(at, first + series)
        columns.bodies.insert(at, body)
        if number in sparse:
            columns.sparse.append(at)
        if number in requests:
            columns.requests.append((at, requests[number]))
        number += 1


def own_event_columns(event: Event) -> BatchColumns:
    """The columns of one event of the Core itself."""
    return columns_of([event], [])


def columns_of(events: Sequence[Event], refusals: list[RejectedRecord]) -> BatchColumns:
    """The columns of events that were checked one by one, and the refusals among them."""
    names: dict[tuple[Series, str], int] = {}
    return BatchColumns(
        order_keys(
            [event.source_ns for event in events],
            [event.lane for event in events],
            [event.event_id for event in events],
        ),
        [names.setdefault((event.series, event.schema_version), len(names)) for event in events],
        [event.body[:-1] for event in events],
        [series for series, _ in names],
        [version for _, version in names],
        [number for number, event in enumerate(events) if event.series.lane in SPARSE_LANES],
        [
            (number, event.envelope.request_id)
            for number, event in enumerate(events)
            if isinstance(event.envelope, CommandRequest)
        ],
        refusals,
    )


class _CommandFields(msgspec.Struct, rename="camel"):
    command_id: str


_command_decoder = msgspec.json.Decoder(_CommandFields)


def command_id_of(body: bytes) -> str:
    """The commandId in the body of an event of the command lane."""
    return _command_decoder.decode(body + b"}").command_id


def _checked_columns(checked: CheckedBatch) -> BatchColumns:
    lanes = [LANE_PRIORITY[series.lane] for series in checked.names]
    keys = order_keys(checked.times_ns, [lanes[number] for number in checked.series], checked.ids)
    return BatchColumns(
        keys,
        checked.series,
        checked.bodies,
        checked.names,
        checked.versions,
        checked.sparse,
        checked.requests,
        checked.refusals,
    )
