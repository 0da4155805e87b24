"""Checking record after record: what neighbours share is worked out once.

`Checker.check` gives what `event.check` gives, and leaves to it whatever is not plain: lanes with
few events, ids that are met for the first time, unusual times, and everything that is wrong. There
is one validator, and this is its memory; a property test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from operator import attrgetter
from typing import NamedTuple, TypeVar, cast

import msgspec

from sdk import event, timestamps
from sdk.canonical import canonical_json
from sdk.envelope import Envelope, ParsedMessage, RawFrame, UiUpdate
from sdk.errors import CanonicalError, TimestampError
from sdk.event import ENVELOPE_MAX_BYTES, SEQUENCE_MAX, Event, Series
from sdk.event_id import head
from sdk.timestamps import NS_MAX, NS_MIN, NS_PER_SECOND

REMEMBERED_MAX = 65_536
LANE_MEMBER = b'"lane":"'
SECOND_CHARS = len("2026-01-01T00:00:00")
NORMAL_CHARS = len("2026-01-01T00:00:00.000000000Z")
NO_DIGITS = "000000000"

Names = tuple[str | None, ...]
"""Lane, scope and ids as they were written, and what else tells series of a lane apart."""

Name = TypeVar("Name")
Kept = TypeVar("Kept")

_encode = msgspec.json.Encoder().encode


class _Known(NamedTuple):
    """A series, what its events share of the text that is hashed, and whether ids are missing."""

    series: Series
    lane: int
    head: bytes
    is_partial: bool


class _Kind(NamedTuple):
    """A lane whose envelopes are all of one type."""

    decode: Callable[[bytes], Envelope]
    names: Callable[[Envelope], Names]
    payload: Callable[[Envelope], bytes | None]


class _Place(NamedTuple):
    """What is known of the records that come with one address."""

    kind: _Kind
    series: dict[Names, _Known]


class Checker:
    """Checks for one scope (None: all) and size limit, and remembers series and seconds."""

    def __init__(self, scope_id: str | None = None, max_bytes: int = ENVELOPE_MAX_BYTES) -> None:
        self._scope_id = scope_id
        self._max_bytes = max_bytes
        self._places: dict[str, _Place] = {}
        self._unaddressed = {lane: _Place(kind, {}) for lane, kind in _KINDS.items()}
        self._seconds: dict[str, int] = {}

    def check(self, record: bytes, address: str | None) -> Event:
        """The event that a record holds; raises EnvelopeError naming the member and the rule."""
        place = self._places.get(address) if address is not None else self._hinted(record)
        if place is None or len(record) > self._max_bytes:
            return self._check_whole(record, address)
        try:
            found = self._check_plain(place, place.kind.decode(record))
        except (msgspec.MsgspecError, CanonicalError, ValueError, RecursionError):
            found = None  # What is wrong with it the whole check says.
        return found if found is not None else self._check_whole(record, address)

    def _check_plain(self, place: _Place, envelope: Envelope) -> Event | None:
        """The event if everything is as it was with a neighbour, None if that is not certain."""
        known = place.series.get(place.kind.names(envelope))
        time = envelope.source_truth_time
        second_ns = self._seconds.get(time[:SECOND_CHARS])
        if known is None or second_ns is None:
            return None
        digits = _nine_digits(time[SECOND_CHARS:])
        payload = place.kind.payload(envelope)
        if digits is None or payload is None:
            return None
        if len(time) != NORMAL_CHARS:
            time = f"{time[:SECOND_CHARS]}.{digits}Z"
        digest = sha256(b"%b%b\n%b" % (known.head, time.encode(), payload)).digest()
        event_id = digest.hex()
        if envelope.event_id != event_id:
            if envelope.event_id is not None:
                return None
            envelope.event_id = event_id
        if known.is_partial:
            _fill(envelope, known.series)
        source_ns = second_ns + int(digits)
        return Event(digest, source_ns, known.lane, known.series, _encode(envelope), envelope)

    def _check_whole(self, record: bytes, address: str | None) -> Event:
        parsed = event.address_of(address)
        found = event.check(record, parsed, scope_id=self._scope_id, max_bytes=self._max_bytes)
        kind = _KINDS.get(found.series.lane)
        if kind is not None:
            self._remember(kind, kind.decode(record), address, found)
        return found

    def _remember(self, kind: _Kind, given: Envelope, address: str | None, found: Event) -> None:
        """Keep what the next record may share; `given` is the envelope as it was written."""
        if address is None:
            place = self._unaddressed[found.series.lane]
        else:
            place = self._places.get(address) or _keep(self._places, address, _Place(kind, {}))
        names = kind.names(given)
        known = _Known(found.series, found.lane, head(*_hashed(found.series)), None in names[:5])
        _keep(place.series, names, known)
        second = given.source_truth_time[:SECOND_CHARS]
        try:
            second_ns = timestamps.parse(f"{second}Z")
        except TimestampError:
            return
        if NS_MIN <= second_ns <= NS_MAX - NS_PER_SECOND:
            _keep(self._seconds, second, second_ns)

    def _hinted(self, record: bytes) -> _Place | None:
        """The place of the lane that a record without an address seems to be of; that its lane is
        the same is part of the names it is then looked up by.
        """
        begin = record.find(LANE_MEMBER) + len(LANE_MEMBER)
        lane = record[begin : record.find(b'"', begin)]
        return self._unaddressed.get(lane.decode("ascii", "replace"))


def _keep(memory: dict[Name, Kept], name: Name, value: Kept) -> Kept:
    """Remember; what is too much is all forgotten at once, for it is soon worked out again."""
    if len(memory) >= REMEMBERED_MAX:
        memory.clear()
    memory[name] = value
    return value


def _hashed(series: Series) -> tuple[str, str, tuple[str, str, str], str]:
    return series.scope_id, series.lane, event.identity(series), series.message_type


def _nine_digits(rest: str) -> str | None:
    """The nanoseconds in what follows the whole second; None unless it is plain UTC."""
    if rest == "Z":
        return NO_DIGITS
    digits = rest[1:-1]
    if rest[:1] != "." or rest[-1] != "Z" or len(digits) > len(NO_DIGITS):
        return None
    if not digits.isascii() or not digits.isdigit():
        return None
    return digits if len(digits) == len(NO_DIGITS) else digits.ljust(len(NO_DIGITS), "0")


def _fill(envelope: Envelope, series: Series) -> None:
    envelope.lane = series.lane  # type: ignore[assignment]  # a series has one of the five
    envelope.scope_id = series.scope_id
    envelope.system_id = series.system_id
    envelope.container_id = series.container_id
    envelope.unique_id = series.unique_id


# --- the lanes with most events -------------------------------------------------------------------


def _raw_payload(frame: RawFrame) -> bytes | None:
    is_uint64 = frame.sequence is None or 0 <= frame.sequence <= SEQUENCE_MAX
    return frame.frame if is_uint64 else None


def _parsed_payload(message: ParsedMessage) -> bytes:
    return canonical_json({"payload": message.payload, "schemaVersion": message.schema_version})


def _ui_payload(update: UiUpdate) -> bytes:
    return canonical_json(
        {
            "data": update.data,
            "manifestId": update.manifest_id,
            "manifestVersion": update.manifest_version,
            "viewId": update.view_id,
        }
    )


_HEADER = ("lane", "scope_id", "system_id", "container_id", "unique_id")


def _kind(
    envelope: type[Envelope], payload: Callable[..., bytes | None], *more_names: str
) -> _Kind:
    names = cast("Callable[[Envelope], Names]", attrgetter(*_HEADER, *more_names))
    return _Kind(msgspec.json.Decoder(envelope).decode, names, payload)


_KINDS = {
    "raw": _kind(RawFrame, _raw_payload),
    "parsed": _kind(ParsedMessage, _parsed_payload, "message_type"),
    "ui": _kind(UiUpdate, _ui_payload, "message_type", "view_id"),
}
