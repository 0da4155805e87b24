"""The columns of a checked batch; a record that is refused does not stop the others."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import msgspec

from nova.core.ordering import order_keys
from nova.sdk.address import LANE_PRIORITY
from nova.sdk.events.checker import CheckedBatch, Checker, RecordTuple, RejectedRecord
from nova.sdk.events.envelope import CommandRequest
from nova.sdk.events.event import Event, Series
from nova.sdk.events.known_streams import KnownEvents
from nova.sdk.events.lane_codec import SPARSE_LANES
from nova.sdk.native_columns import NumberColumn


class BatchColumns(msgspec.Struct, array_like=True):
    """A batch's events as columns: item i of `keys`, `series` and `bodies` is one event.

    `keys` are order keys in source time; `series` are indexes into `names` and `versions`, pairs of
    a series and a schemaVersion (empty but on parsed). A body is the stored envelope up to its
    canonicalTruthTime. `sparse` are the indexes of the events of SPARSE_LANES, `requests` are
    (index, requestId) of those that are CommandRequests. The validation pool sends it between
    processes as MessagePack.
    """

    keys: Sequence[bytes]
    series: Sequence[int]
    bodies: Sequence[bytes]
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
    streams, series = found.streams.distinct()
    # Before the others are checked: a stream that is learned may let all be forgotten.
    names = [checker.known.series[stream] for stream in streams]
    versions = [checker.known.versions[stream] for stream in streams]
    rest = checker.check_all([records[place] for place in found.unsure])
    return _merged(found, series, names, versions, _checked_columns(rest))


def _merged(
    found: KnownEvents,
    series: NumberColumn,
    names: list[Series],
    versions: list[str],
    rest: BatchColumns,
) -> BatchColumns:
    """The columns of all records: `found` with what Python found of those that the native part was
    not sure of.
    """
    refused = [found.unsure[refusal.place] for refusal in rest.refusals]
    left = set(refused)
    # What is refused leaves no place.
    places = [place - bisect_left(refused, place) for place in found.unsure if place not in left]
    return BatchColumns(
        found.keys.merged(places, rest.keys),
        series.merged(places, [len(names) + number for number in rest.series]),
        found.bodies.merged(places, rest.bodies),
        names + rest.names,
        versions + rest.versions,
        [places[index] for index in rest.sparse],
        [(places[index], request_id) for index, request_id in rest.requests],
        [one._replace(place=place) for one, place in zip(rest.refusals, refused, strict=True)],
    )


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
