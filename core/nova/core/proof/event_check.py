"""Recomputes eventIds from stored envelopes, and the keys that an event must have.

The members of a stored envelope have one order, and events of a series share those before the time.
So the common case compares bytes and decodes only what is hashed; whatever differs from it goes to
the validator, which finds the reason. A property test checks that both agree.
"""

from __future__ import annotations

from binascii import a2b_base64, hexlify
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple, cast

import orjson

from nova.core.ordering import TIME_BYTES, order_keys, time_of, times_of
from nova.core.store.key_value import KeyValue
from nova.sdk import timestamps
from nova.sdk.address import LANE_PRIORITY
from nova.sdk.errors import CanonicalError, EnvelopeError, TimestampError
from nova.sdk.events import canonical
from nova.sdk.events.event import SECOND_CHARS, SEQUENCE_MAX, Series, check_stored
from nova.sdk.events.event_id import hashed_head
from nova.sdk.events.series import hashed_ids
from nova.sdk.timestamps import NS_PER_SECOND

BEGIN = b'{"eventId":"'
ID_START = len(BEGIN)
ID_CHARS = 64
ID_END = ID_START + ID_CHARS
STAMP_BYTES = len(',"canonicalTruthTime":"2026-01-01T00:00:00.000000000Z"}')
CACHED_MAX_SECONDS = 100_000
UI_LANE = LANE_PRIORITY["ui"]
NORMAL_FORM = b"0000-00-00T00:00:00.000000000Z"
NANOSECONDS = slice(SECOND_CHARS + 1, len(NORMAL_FORM) - 1)
DIGITS_TO_ZERO = bytes(ord("0") if byte in b"0123456789" else byte for byte in range(256))
RAW_LANE = LANE_PRIORITY["raw"]
RAW_MEMBERS = frozenset(("bytes", "connectionId", "sequence"))


class KnownSeries(NamedTuple):
    """What the events of a series share: the members before the time as text, the hashed head, and
    the lane.
    """

    series: Series
    header: bytes
    header_end: int
    head: bytes
    lane: int


class EventFault(NamedTuple):
    """Why a row of `canonical` is no event of this archive; `event_id` is empty if unknown."""

    event_key: bytes
    event_id: bytes
    reason: str


class CheckedBlock(NamedTuple):
    """The events of a block and their order keys, and what is wrong with the others."""

    rows: list[KeyValue]
    source_keys: list[bytes]
    faults: list[EventFault]


def _known(series: Series) -> KnownSeries:
    ids = (series.system_id, series.container_id, series.unique_id)
    text = (
        f'","scopeId":"{series.scope_id}","lane":"{series.lane}","systemId":"{ids[0]}",'
        f'"containerId":"{ids[1]}","uniqueId":"{ids[2]}","sourceTruthTime":"'
    ).encode()
    head = hashed_head(series.scope_id, series.lane, hashed_ids(series), series.message_type)
    lane = LANE_PRIORITY[series.lane]
    return KnownSeries(series, text, ID_END + len(text), head, lane)


class EventCheck:
    """Checks blocks of `canonical`. `names` are the series by number."""

    def __init__(self, names: Sequence[Series]) -> None:
        self._names = names
        self._known: dict[bytes, KnownSeries] = {}
        self._seconds: dict[bytes, int] = {}

    def check(self, rows: list[KeyValue]) -> CheckedBlock:
        """The events of a block in their order, with their order keys."""
        looks = self._look_at(rows)
        if None not in looks:
            # As a rule all are right, and are compared at once.
            known, texts, payloads = zip(*cast("list[_Look]", looks), strict=True)
            times = self._times(texts)
            digests = None if times is None else _digests(known, texts, payloads)
            if times is not None and digests is not None and _are_claimed(digests, rows):
                lanes = [one.lane for one in known]
                return CheckedBlock(rows, order_keys(times, lanes, digests), [])
        return self._check_each(rows, looks)

    def _check_each(self, rows: list[KeyValue], looks: list[_Look | None]) -> CheckedBlock:
        found: list[_Found] = []
        faults: list[EventFault] = []
        for look, row in zip(looks, rows, strict=True):
            known = None if look is None else self._found(look, row)
            outcome = known or self._slowly(*row)
            if isinstance(outcome, EventFault):
                faults.append(outcome)
            else:
                found.append(outcome)
        if faults:
            wrong = {fault.event_key for fault in faults}
            rows = [row for row in rows if row[0] not in wrong]
        times, lanes, ids = zip(*found, strict=True) if found else ((), (), ())
        return CheckedBlock(rows, order_keys(times, lanes, ids), faults)

    def _found(self, look: _Look, row: KeyValue) -> _Found | None:
        """One event; None if the validator has to look at it."""
        known, text, payload = look
        try:
            source_ns = timestamps.parse(text.decode())
        except (ValueError, TimestampError):
            return None
        normal = timestamps.text(source_ns).encode()
        digests = _digests((known,), (normal,), (payload,))
        if digests is None or not _are_claimed(digests, [row]):
            return None
        return source_ns, known.lane, digests[0]

    def _look_at(self, rows: list[KeyValue]) -> list[_Look | None]:
        """What decides about each event; None if it needs the validator."""
        looks: list[_Look | None] = []
        add, series, loads = looks.append, self._known, orjson.loads
        stamped = map(bytes.endswith, [stored for _, stored in rows], _stamps(rows))
        for (key, stored), is_stamped in zip(rows, stamped, strict=True):
            known = series.get(key[TIME_BYTES:]) or self._series(key)
            if known is None or not is_stamped or not stored.startswith(known.header, ID_END):
                add(None)
                continue
            begin = known.header_end
            try:
                end = stored.index(b'",', begin)
                members = loads(b"{%b}" % stored[end + 2 : -STAMP_BYTES])
                if known.lane == RAW_LANE:
                    payload = _raw_payload(members)
                elif members.pop("messageType") == known.series.message_type and (
                    known.lane != UI_LANE or members["viewId"] == known.series.view_id
                ):
                    payload = orjson.dumps(members, option=orjson.OPT_SORT_KEYS)
                else:
                    payload = None
            except (ValueError, TypeError, KeyError):
                payload = None
            add(None if payload is None else (known, stored[begin:end], payload))
        return looks

    def _times(self, texts: Sequence[bytes]) -> list[int] | None:
        """Source times in ns; None unless all are in the normal form."""
        if b"".join(texts).translate(DIGITS_TO_ZERO) != NORMAL_FORM * len(texts):
            return None
        seconds = self._seconds
        try:
            for second in {text[:SECOND_CHARS] for text in texts}:
                if second not in seconds:
                    if len(seconds) >= CACHED_MAX_SECONDS:
                        seconds.clear()
                    seconds[second] = timestamps.parse(f"{second.decode()}Z")
            return [seconds[text[:SECOND_CHARS]] + int(text[NANOSECONDS]) for text in texts]
        except (TimestampError, KeyError):
            return None

    def _series(self, key: bytes) -> KnownSeries | None:
        number = int.from_bytes(key[TIME_BYTES:], "big")
        if len(key) != TIME_BYTES + 4 or number >= len(self._names):
            return None
        found = self._known[key[TIME_BYTES:]] = _known(self._names[number])
        return found

    def _slowly(self, key: bytes, stored: bytes) -> _Found | EventFault:
        """Time, lane and eventId by the validator, or the fault."""
        claimed = stored[ID_START:ID_END]
        try:
            event_id = bytes.fromhex(claimed.decode("ascii"))
        except ValueError:
            return EventFault(key, b"", "it does not begin with an eventId")
        try:
            event, canonical_ns = check_stored(stored)
        except EnvelopeError as error:
            return EventFault(key, event_id, str(error))
        number = int.from_bytes(key[TIME_BYTES:], "big")
        if event.event_id != event_id:
            reason = f"its content has the eventId {event.event_id.hex()}"
        elif number >= len(self._names) or self._names[number] != event.series:
            reason = f"its key has the series {number}, which is not that of the envelope"
        elif canonical_ns != time_of(key):
            reason = "its key has another time than its canonicalTruthTime"
        else:
            return event.source_ns, event.lane, event_id
        return EventFault(key, event_id, reason)


_Look = tuple[KnownSeries, bytes, bytes]
"""Series, source time as text, and what is hashed, not yet canonical."""

_Found = tuple[int, int, bytes]
"""Source time in ns, lane and eventId."""


def _stamps(rows: list[KeyValue]) -> list[bytes]:
    """The ends that envelopes with these event keys must have."""
    stamps = []
    second, text = None, b""
    for ns in times_of([key for key, _ in rows]):
        if second is None or not second <= ns < second + NS_PER_SECOND:
            second = ns - ns % NS_PER_SECOND
            whole = timestamps.text(second)[:SECOND_CHARS]
            text = b',"canonicalTruthTime":"%b.' % whole.encode()
        stamps.append(b'%b%09dZ"}' % (text, ns - second))
    return stamps


def _raw_payload(members: dict[str, object]) -> bytes | None:
    # Neither connection nor sequence is hashed, so that nothing else would notice a wrong one.
    connection, sequence = members.get("connectionId", ""), members.get("sequence", 0)
    if type(connection) is not str or type(sequence) is not int:
        return None
    if not RAW_MEMBERS.issuperset(members) or not 0 <= sequence <= SEQUENCE_MAX:
        return None
    return a2b_base64(str(members["bytes"]), strict_mode=True)


def _digests(
    known: Sequence[KnownSeries], times: Sequence[bytes], payloads: Sequence[bytes]
) -> list[bytes] | None:
    """The eventIds of events; None if a payload has no canonical form."""
    columns = zip(known, payloads, strict=True)
    texts = [payload for series, payload in columns if series.lane != RAW_LANE]
    to_canonical = (
        canonical.strip_integral_fractions
        if canonical.are_canonical(texts)
        else canonical.canonicalize_text
    )
    try:
        return [
            sha256(
                b"%b%b\n%b"
                % (one.head, time, payload if one.lane == RAW_LANE else to_canonical(payload))
            ).digest()
            for one, time, payload in zip(known, times, payloads, strict=True)
        ]
    except CanonicalError:
        return None


def _are_claimed(digests: Sequence[bytes], rows: Sequence[KeyValue]) -> bool:
    """Whether stored envelopes begin with these eventIds."""
    claimed = b"".join([stored[:ID_END] for _, stored in rows])
    expected = hexlify(b"".join(digests))
    ids = [expected[at : at + ID_CHARS] for at in range(0, len(expected), ID_CHARS)]
    return claimed == b"".join([BEGIN + one for one in ids])
