"""Validation of one record: from bytes and address to an Event with its eventId and series.

`check` is the only validator: ingest, producers and `nova eventid` all call it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from operator import add

import msgspec

from nova.sdk import address as addresses
from nova.sdk import json_location, timestamps
from nova.sdk.address import LANE_PRIORITY, LANES, Address
from nova.sdk.errors import AddressError, CanonicalError, EnvelopeError, TimestampError
from nova.sdk.events.canonical import canonical_json
from nova.sdk.events.envelope import (
    AUDIT_TYPES,
    BY_COMMAND_TYPE,
    Envelope,
    ParsedMessage,
    RawFrame,
    envelope_type,
)
from nova.sdk.events.event_id import event_id
from nova.sdk.events.series import Series, agreed_value, hashed_ids, resolve_series

ENVELOPE_MAX_BYTES = 1024 * 1024
SECOND_CHARS = len("2026-01-01T00:00:00")
SEQUENCE_MAX = 2**64 - 1

__all__ = ["AUDIT_TYPES", "ENVELOPE_MAX_BYTES", "Event", "Series", "check"]


@dataclass(slots=True)
class Event:
    """A valid event; `body` is the stored envelope without its canonicalTruthTime."""

    event_id: bytes
    source_ns: int
    lane: int
    series: Series
    body: bytes
    envelope: Envelope

    @property
    def schema_version(self) -> str:
        """The schemaVersion of a parsed event; empty on other lanes."""
        return self.envelope.schema_version if isinstance(self.envelope, ParsedMessage) else ""

    def stamped(self, canonical_ns: int) -> bytes:
        """The stored envelope: `body` with canonicalTruthTime as its last member."""
        return stamped([self.body[:-1]], canonical_ns)[0]


def stamped(bodies: Sequence[bytes], first_ns: int) -> list[bytes]:
    """Stored envelopes of bodies that lack their closing brace; each receive time is 1 ns after the
    previous one.
    """
    stored: list[bytes] = []
    while len(stored) < len(bodies):
        thousand, first = divmod(first_ns + len(stored), len(_STAMP_TAILS))
        text = timestamps.text(thousand * len(_STAMP_TAILS))[:-_TAIL_CHARS]
        stamp = b"%b%b" % (_STAMP_MEMBER, text.encode())
        tails = _STAMP_TAILS[first:]
        run = bodies[len(stored) : len(stored) + len(tails)]
        stored += map(add, run, [stamp + tail for tail in tails[: len(run)]])
    return stored


class _LanePeek(msgspec.Struct, rename="camel"):
    lane: str | None = None
    message_type: str | None = None


class _Stamp(msgspec.Struct, rename="camel"):
    canonical_truth_time: str


_lane_peek_decoder = msgspec.json.Decoder(_LanePeek)
_envelope_decoders: dict[type[Envelope], msgspec.json.Decoder[Envelope]] = {}
_encoder = msgspec.json.Encoder()
_body_members: dict[type[Envelope], tuple[tuple[str, str], ...]] = {}
_STAMP_MEMBER = b',"canonicalTruthTime":"'
_STAMP_TAILS = [b'%03dZ"}' % nanosecond for nanosecond in range(1_000)]
"""The ends of stored envelopes, by the last three digits of their times."""

_TAIL_CHARS = len("000Z")
_MEMBER = re.compile(r"`\$\.([^`]+)`|field `([^`]+)`")


def check(
    record: bytes,
    address: Address | None = None,
    *,
    scope_id: str | None = None,
    max_bytes: int = ENVELOPE_MAX_BYTES,
) -> Event:
    """Validate a record; raises EnvelopeError that names the member and the rule it breaks.

    `address` is the address that it arrived with, `scope_id` the only accepted scope (None: any).
    """
    if not record:
        raise EnvelopeError("malformed", "", "the record is empty")
    if len(record) > max_bytes:
        raise EnvelopeError(
            "tooLarge", "", f"the envelope has {len(record)} bytes, the limit is {max_bytes}"
        )
    envelope = _decode(record, address)
    series = resolve_series(envelope, address)
    if scope_id is not None and series.scope_id != scope_id:
        raise EnvelopeError(
            "idConflict",
            "scopeId",
            f"scopeId {series.scope_id!r} is not {scope_id!r}, the only scope accepted here",
        )
    source_ns = _check_times(envelope)
    digest = event_id(
        series.scope_id,
        series.lane,
        hashed_ids(series),
        series.message_type,
        timestamps.text(source_ns),
        _canonical_payload(envelope),
    )
    _set_event_id(envelope, digest.hex())
    return Event(
        digest, source_ns, LANE_PRIORITY[series.lane], series, _encoder.encode(envelope), envelope
    )


def without_stamp(envelope: bytes) -> bytes:
    """Remove the canonicalTruthTime that ends a stored envelope; others are returned unchanged."""
    if envelope.endswith(b'"}'):
        body, _, stamp = envelope.rpartition(_STAMP_MEMBER)
        if body and stamp.count(b'"') == 1:
            return body + b"}"
    return envelope


def check_stored(stored: bytes) -> tuple[Event, int]:
    """Validate a stored envelope by its own content; returns the event and its canonical ns.

    Every byte counts: JSON lets the same values be written in many ways, and members be there
    twice, but what is stored is the one text that NOVA writes of them.
    """
    try:
        canonical = timestamps.parse(msgspec.json.decode(stored, type=_Stamp).canonical_truth_time)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TimestampError) as error:
        raise EnvelopeError("malformed", "canonicalTruthTime", str(error)) from None
    body, _, _ = stored.rpartition(b',"canonicalTruthTime":')
    event = check(body + b"}", max_bytes=len(stored))
    if event.stamped(canonical) != stored:
        reason = "its values are right, but its text is not the one that NOVA stores of them"
        raise EnvelopeError("malformed", "", reason)
    return event, canonical


def _decode(record: bytes, address: Address | None) -> Envelope:
    peek = _convert(_lane_peek_decoder, record)
    assert isinstance(peek, _LanePeek)
    lane = agreed_value("lane", peek.lane, address.lane if address else None)
    if lane not in LANE_PRIORITY:
        raise EnvelopeError(
            "badValue", "lane", f"lane {lane[:64]!r} is not one of {', '.join(LANES)}"
        )
    kind = envelope_type(lane, peek.message_type)
    if kind is None:
        known = ", ".join(BY_COMMAND_TYPE)
        got = "absent" if peek.message_type is None else repr(peek.message_type[:64])
        raise EnvelopeError(
            "badValue",
            "messageType",
            f"messageType of the command lane is {got}, not one of {known}",
        )
    decoder = _envelope_decoders.get(kind)
    if decoder is None:
        decoder = _envelope_decoders[kind] = msgspec.json.Decoder(kind)
    envelope = _convert(decoder, record)
    assert isinstance(envelope, Envelope)
    envelope.lane = lane  # type: ignore[assignment]  # just checked against LANE_PRIORITY
    return envelope


def _convert(
    decoder: msgspec.json.Decoder[_LanePeek] | msgspec.json.Decoder[Envelope], record: bytes
) -> object:
    try:
        return decoder.decode(record)
    except msgspec.ValidationError as error:
        raise _to_envelope_error(str(error)) from None
    except UnicodeDecodeError:
        member, reason = json_location.locate_encoding_error(record)
        raise EnvelopeError("malformed", member, reason) from None
    except msgspec.DecodeError as error:
        member, reason = json_location.locate_json_error(record, str(error))
        raise EnvelopeError("malformed", member, reason) from None
    except (RecursionError, ValueError) as error:
        raise EnvelopeError("malformed", "", f"the record cannot be read: {error}") from None


def _to_envelope_error(message: str) -> EnvelopeError:
    """Convert a msgspec message to an EnvelopeError: code by its wording, member by its path."""
    found = _MEMBER.search(message)
    member = (found.group(1) or found.group(2)) if found else ""
    if "unknown field" in message:
        return EnvelopeError("unknownMember", member, f"member {member!r} is unknown")
    if "missing required field" in message:
        return EnvelopeError("missingMember", member, f"member {member!r} is missing")
    code = "wrongType" if ", got " in message else "badValue"
    return EnvelopeError(code, member, message)


def _check_times(envelope: Envelope) -> int:
    effective = getattr(envelope, "effective_time", None)
    if effective is not None:
        _parse_time("effectiveTime", effective)
    return _parse_time("sourceTruthTime", envelope.source_truth_time)


def _parse_time(member: str, text: str) -> int:
    try:
        return timestamps.parse(text)
    except TimestampError as error:
        raise EnvelopeError("badTime", member, f"{member} {error}") from None


def _canonical_payload(envelope: Envelope) -> bytes:
    if isinstance(envelope, RawFrame):
        if envelope.sequence is not None and not 0 <= envelope.sequence <= SEQUENCE_MAX:
            raise EnvelopeError("badValue", "sequence", "sequence is not a uint64")
        return envelope.frame
    kind = type(envelope)
    members = _body_members.get(kind)
    if members is None:
        members = _body_members[kind] = tuple(
            (field.name, field.encode_name)
            for field in msgspec.structs.fields(kind)
            if field.name not in Envelope.HEADER
        )
    body = {name: value for attr, name in members if (value := getattr(envelope, attr)) is not None}
    try:
        return canonical_json(body)
    except CanonicalError as error:
        culprit = _uncanonical_member(body)
        reason = f"{culprit} has no RFC 8785 form: {error}"
        raise EnvelopeError("notCanonical", culprit, reason) from None


def _uncanonical_member(body: dict[str, object]) -> str:
    """The first top-level member whose value has no canonical form."""
    for name, value in body.items():
        try:
            canonical_json({name: value})
        except CanonicalError:
            return name
    return ""


def _set_event_id(envelope: Envelope, computed: str) -> None:
    if envelope.event_id is not None and envelope.event_id != computed:
        raise EnvelopeError(
            "eventIdMismatch",
            "eventId",
            f"eventId {envelope.event_id[:64]!r} does not match the content's, {computed}",
        )
    envelope.event_id = computed


def address_of(text: str | None) -> Address | None:
    """Parse the address of a record as its transport wrote it; raises EnvelopeError."""
    if text is None:
        return None
    try:
        return addresses.parse(text)
    except AddressError as error:
        raise EnvelopeError("badAddress", "address", str(error)) from None
