"""Batch validation of records: the series and seconds that neighbouring records share are cached.

`Checker.check_all` finds the same events and errors as `event.check`. It handles only the common
case by itself: lanes with many events, known ids, plain times. Everything else, errors included,
goes to `event.check`, so there is one validator. A property test checks that both agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple, TypeVar

import msgspec

from nova.sdk import timestamps
from nova.sdk.errors import CanonicalError, EnvelopeError, NovaError, TimestampError
from nova.sdk.events import canonical, event
from nova.sdk.events.envelope import CommandRequest, Envelope, UiUpdate
from nova.sdk.events.event import ENVELOPE_MAX_BYTES, SECOND_CHARS, Event, Series
from nova.sdk.events.event_id import hashed_head
from nova.sdk.events.known_streams import known_streams
from nova.sdk.events.lane_codec import CODECS, SPARSE_LANES, LaneCodec, SeriesKey, ui_codec
from nova.sdk.events.manifest_policy import index_by_version, require_allowed
from nova.sdk.events.reserved import require_unreserved
from nova.sdk.events.series import hashed_ids
from nova.sdk.manifests.manifest import CardManifest
from nova.sdk.timestamps import NS_MAX, NS_MIN, NS_PER_SECOND

CACHE_MAX = 65_536
CHECK_BLOCK_EVENTS = 32
"""Canonical texts checked together; if any is doubtful, each of them is checked alone."""

LANE_MEMBER = b'"lane":"'
NORMAL_CHARS = len("2026-01-01T00:00:00.000000000Z")
NO_DIGITS = b"000000000"
POINT, ZULU = b".Z"

RecordTuple = tuple[str | None, bytes, str]
"""Address text, bytes and position: `Record` of the transports."""

CacheKey = TypeVar("CacheKey")
CacheValue = TypeVar("CacheValue")

_encode_lines = msgspec.json.Encoder().encode_lines


class RejectedRecord(NamedTuple):
    """A rejected record: its index in the batch, and the fields of its EnvelopeError."""

    place: int
    code: str
    member: str
    reason: str


class CheckedBatch(msgspec.Struct, array_like=True):
    """The events of a batch as columns: entry i of ids, times_ns, series and bodies is one event.

    `series` holds indexes into `names` and `versions`, the distinct pairs of series and
    schemaVersion (empty but on parsed) of this batch. A body is the stored envelope up to where its
    canonicalTruthTime goes. `sparse` are the indexes of the events of SPARSE_LANES, ascending, and
    `requests` those of CommandRequests with their requestIds.
    """

    ids: list[bytes]
    times_ns: list[int]
    series: list[int]
    bodies: list[bytes]
    names: list[Series]
    versions: list[str]
    sparse: list[int]
    requests: list[tuple[int, str]]
    refusals: list[RejectedRecord]


@dataclass(slots=True, eq=False)
class _CachedSeries:
    """A series with one schemaVersion, the head of its events' hashed text, and whether its
    envelopes lack ids.
    """

    series: Series
    version: str
    head: bytes
    is_partial: bool


class _SeriesCache(NamedTuple):
    """The series that are known for records with one address."""

    kind: LaneCodec
    series: dict[SeriesKey, _CachedSeries]


_FastRecord = tuple[_CachedSeries, Envelope, bytes, int, bytes, bool]
"""A record that is valid if its payload is canonical and its eventId is right: its series, its
envelope, its normal time, the same in ns, its payload and whether that is JSON.
"""


class _CheckedColumns:
    """The columns of a batch while it is being checked."""

    def __init__(self) -> None:
        self.refusals: list[RejectedRecord] = []
        self._sparse: list[int] = []
        self._requests: list[tuple[int, str]] = []
        self._envelopes: list[Envelope] = []
        self._rows: list[tuple[bytes, int, int]] = []
        self._names: dict[tuple[Series, str], int] = {}
        self._numbers: dict[_CachedSeries, int] = {}

    def add(
        self, event_id: bytes, source_ns: int, known: _CachedSeries, envelope: Envelope
    ) -> None:
        """Add an event; `finish` encodes all envelopes at once."""
        number = self._numbers.get(known)
        if number is None:
            number = self._numbers[known] = self._number(known.series, known.version)
        self._rows.append((event_id, source_ns, number))
        self._envelopes.append(envelope)

    def add_whole(self, found: Event) -> None:
        """Add an event that `event.check` returned."""
        if found.series.lane in SPARSE_LANES:
            self._sparse.append(len(self._rows))
        if isinstance(found.envelope, CommandRequest):
            self._requests.append((len(self._rows), found.envelope.request_id))
        number = self._number(found.series, found.schema_version)
        self._rows.append((found.event_id, found.source_ns, number))
        self._envelopes.append(found.envelope)

    def _number(self, series: Series, version: str) -> int:
        return self._names.setdefault((series, version), len(self._names))

    def finish(self) -> CheckedBatch:
        """Encode the envelopes. JSON contains no line feed, so the lines can be split apart."""
        bodies = _encode_lines(self._envelopes).split(b"}\n")[:-1]
        rows = self._rows
        return CheckedBatch(
            ids=[event_id for event_id, _, _ in rows],
            times_ns=[source_ns for _, source_ns, _ in rows],
            series=[number for _, _, number in rows],
            bodies=bodies,
            names=[series for series, _ in self._names],
            versions=[version for _, version in self._names],
            sparse=self._sparse,
            requests=self._requests,
            refusals=self.refusals,
        )


class Checker:
    """Checks records against one scope (None: any), a size limit and manifests, and caches series
    and seconds. Reserved kinds of events are rejected in `own_scope`.
    """

    def __init__(
        self,
        scope_id: str | None = None,
        max_bytes: int = ENVELOPE_MAX_BYTES,
        manifests: Sequence[CardManifest] = (),
        *,
        own_scope: str | None = None,
        cache_max: int = CACHE_MAX,
    ) -> None:
        self._cache_max = cache_max
        self._scope_id = scope_id
        self._own_scope = own_scope
        self._max_bytes = max_bytes
        self._manifests = index_by_version(manifests)
        self._codecs = {**CODECS, "ui": ui_codec(self._manifests)} if manifests else CODECS
        self._caches: dict[str, _SeriesCache] = {}
        self._caches_of_lanes = {
            lane: _SeriesCache(kind, {}) for lane, kind in self._codecs.items()
        }
        self._seconds: dict[bytes, int] = {}
        self.known = known_streams(max_bytes, cache_max, self._manifests)
        """The streams that the native part checks by itself; None without it."""

    def check_all(self, records: Sequence[RecordTuple]) -> CheckedBatch:
        """The events of the records, in their order, and the rejected records."""
        columns = _CheckedColumns()
        for start in range(0, len(records), CHECK_BLOCK_EVENTS):
            part = records[start : start + CHECK_BLOCK_EVENTS]
            self._check_block(part, start, columns)
        return columns.finish()

    def _check_block(
        self, records: Sequence[RecordTuple], start: int, columns: _CheckedColumns
    ) -> None:
        looks = list(map(self._decode_known, records))
        are_sure = canonical.are_canonical([look[4] for look in looks if look and look[5]])
        for index, look in enumerate(looks):
            if look is not None:
                digest = _digest(look, are_sure)
                if digest is not None:
                    columns.add(digest, look[3], look[0], look[1])
                    continue
            address, value, _ = records[index]
            try:
                columns.add_whole(self.check(value, address))
            except EnvelopeError as error:
                refused = RejectedRecord(start + index, error.code, error.member, error.reason)
                columns.refusals.append(refused)

    def _decode_known(self, arrived: RecordTuple) -> _FastRecord | None:
        """Decode a record whose series is known; None if it needs the full check."""
        address, record, _ = arrived
        place = (
            self._caches.get(address) if address is not None else self._cache_of_lane_hint(record)
        )
        if place is None or len(record) > self._max_bytes:
            return None
        kind, known_series = place
        try:
            envelope = kind.decode(record)
            known = known_series.get(kind.names(envelope))
            if known is None:
                return None
            time = envelope.source_truth_time.encode()
            second = time[:SECOND_CHARS]
            second_ns = self._seconds.get(second)
            if second_ns is None:
                second_ns = self._second_of(second)
            digits = time[SECOND_CHARS + 1 : -1]
            is_normal = len(time) == NORMAL_CHARS and time[SECOND_CHARS] == POINT
            if not is_normal or time[-1] != ZULU or not digits.isdigit():
                digits = _nine_digits(time)
                time = b"%b.%bZ" % (second, digits)
            payload = kind.payload(envelope)
        except (msgspec.MsgspecError, NovaError, ValueError, RecursionError):
            return None  # The full check reports the fault.
        if payload is None:
            return None
        return known, envelope, time, second_ns + int(digits), payload, kind.is_json

    def _second_of(self, second: bytes) -> int:
        """A whole second in ns; raises TimestampError unless all of it is in the valid range."""
        text = second.decode()
        second_ns = timestamps.parse(f"{text}Z")
        if not NS_MIN <= second_ns <= NS_MAX - NS_PER_SECOND:
            raise TimestampError(f"{text} is outside the range of int64 nanoseconds")
        return self._add_to_cache(self._seconds, second, second_ns)

    def _add_to_cache(
        self, memory: dict[CacheKey, CacheValue], name: CacheKey, value: CacheValue
    ) -> CacheValue:
        """Add to a cache. A full cache is cleared, because its entries are cheap to compute
        again.
        """
        if len(memory) >= self._cache_max:
            memory.clear()
        memory[name] = value
        return value

    def check(self, record: bytes, address: str | None) -> Event:
        """Check one record; raises EnvelopeError that names the member and the rule."""
        parsed = event.address_of(address)
        found = event.check(record, parsed, scope_id=self._scope_id, max_bytes=self._max_bytes)
        if found.series.scope_id == self._own_scope:
            require_unreserved(found.series)  # Before it is cached, so the fast path never sees it.
        if isinstance(found.envelope, UiUpdate):
            require_allowed(found.envelope, self._manifests)
        kind = self._codecs.get(found.series.lane)
        if kind is not None:
            self._cache_series(kind, kind.decode(record), address, found)
        return found

    def _cache_series(
        self, kind: LaneCodec, given: Envelope, address: str | None, found: Event
    ) -> None:
        """Cache the series for the next record; `given` is the envelope as written."""
        head = hashed_head(*_hashed_members(found.series))
        if self.known is not None and self.known.learn(address, given, found, head):
            self._forget_series()  # They are to be learned again.
        if address is None:
            place = self._caches_of_lanes[found.series.lane]
        else:
            place = self._caches.get(address) or self._add_to_cache(
                self._caches, address, _SeriesCache(kind, {})
            )
        names = kind.names(given)
        self._add_to_cache(
            place.series,
            names,
            _CachedSeries(found.series, found.schema_version, head, None in names[:5]),
        )

    def _forget_series(self) -> None:
        self._caches.clear()
        for place in self._caches_of_lanes.values():
            place.series.clear()

    def _cache_of_lane_hint(self, record: bytes) -> _SeriesCache | None:
        """The series cache for a record without an address, by the first lane member in its text. A
        wrong guess is harmless: the lane is part of the key of the lookup in that cache.
        """
        begin = record.find(LANE_MEMBER) + len(LANE_MEMBER)
        lane = record[begin : record.find(b'"', begin)]
        return self._caches_of_lanes.get(lane.decode("ascii", "replace"))


def _digest(look: _FastRecord, is_sure: bool) -> bytes | None:
    """The eventId, also set in the envelope; None if the record has another eventId or its payload
    has no canonical form.
    """
    known, envelope, time, _, payload, is_json = look
    if is_json and is_sure:
        payload = canonical.strip_integral_fractions(payload)
    elif is_json:
        try:
            payload = canonical.canonicalize_text(payload)
        except CanonicalError:
            return None
    digest = sha256(b"%b%b\n%b" % (known.head, time, payload)).digest()
    event_id = digest.hex()
    if envelope.event_id != event_id:
        if envelope.event_id is not None:
            return None
        envelope.event_id = event_id
    if known.is_partial:
        _fill_ids(envelope, known.series)
    return digest


def _hashed_members(series: Series) -> tuple[str, str, tuple[str, str, str], str]:
    return series.scope_id, series.lane, hashed_ids(series), series.message_type


def _nine_digits(time: bytes) -> bytes:
    """The digits of the nanoseconds in a time; raises ValueError unless it is plain UTC."""
    digits = time[SECOND_CHARS + 1 : -1]
    if time[SECOND_CHARS:] == b"Z":
        return NO_DIGITS
    is_fraction = time[SECOND_CHARS : SECOND_CHARS + 1] == b"." and time[-1:] == b"Z"
    if not is_fraction or not digits.isdigit() or len(digits) > len(NO_DIGITS):
        raise ValueError("not a plain UTC time")
    return digits.ljust(len(NO_DIGITS), b"0")


def _fill_ids(envelope: Envelope, series: Series) -> None:
    envelope.lane = series.lane  # type: ignore[assignment]  # a series has a valid lane
    envelope.scope_id = series.scope_id
    envelope.system_id = series.system_id
    envelope.container_id = series.container_id
    envelope.unique_id = series.unique_id
