"""Recomputes eventIds from stored envelopes, and the keys that an event must have.

The members of a stored envelope have one order, and events of a series share those before the time.
So the common case compares bytes and decodes only what is hashed; whatever differs from it goes to
the validator, which finds the reason. A property test checks that both agree.
"""

from __future__ import annotations

from binascii import a2b_base64, hexlify
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

import orjson

from nova.core.ordering import TIME_BYTES, order_keys, time_of
from nova.core.store.key_value import KeyValue
from nova.sdk import timestamps
from nova.sdk.address import LANE_PRIORITY
from nova.sdk.errors import CanonicalError, EnvelopeError, TimestampError
from nova.sdk.events import canonical
from nova.sdk.events.event import SECOND_CHARS, SEQUENCE_MAX, Series, check_stored
from nova.sdk.events.event_id import hashed_head
from nova.sdk.events.series import hashed_ids
from nova.sdk.timestamps import NORMAL_CHARS, NS_PER_SECOND

BEGIN = b'{"eventId":"'
ID_START = len(BEGIN)
ID_END = ID_START + 64
STAMP_BYTES = len(',"canonicalTruthTime":"2026-01-01T00:00:00.000000000Z"}')
CACHED_MAX_SECONDS = 100_000
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


class _UncommonError(Exception):
    """The fast path does not know this form."""


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
        json_looks = [look for look in looks if look is not None and look[0].lane != RAW_LANE]
        is_sure = canonical.are_canonical([look[3] for look in json_looks])
        found: list[_Found] = []
        faults: list[EventFault] = []
        for look, row in zip(looks, rows, strict=True):
            digest = None if look is None else _digest(look, is_sure)
            if look is not None and digest and hexlify(digest) == row[1][ID_START:ID_END]:
                found.append((look[1], look[0].lane, digest))
                continue
            outcome = self._slowly(*row)
            if isinstance(outcome, EventFault):
                faults.append(outcome)
            else:
                found.append(outcome)
        if faults:
            wrong = {fault.event_key for fault in faults}
            rows = [row for row in rows if row[0] not in wrong]
        times, lanes, ids = zip(*found, strict=True) if found else ((), (), ())
        return CheckedBlock(rows, order_keys(times, lanes, ids), faults)

    def _look_at(self, rows: list[KeyValue]) -> list[_Look | None]:
        """What decides about each event; None if it needs the validator."""
        looks: list[_Look | None] = []
        add, series = looks.append, self._known
        second, stamp, until = None, b"", 0
        for key, stored in rows:
            known = series.get(key[8:]) or self._series(key)
            ns = time_of(key)
            if not second or not second <= ns < until:
                second = ns - ns % NS_PER_SECOND
                stamp, until = _stamp(second), second + NS_PER_SECOND
            if known is None or not stored.endswith(b'%b%09dZ"}' % (stamp, ns - second)):
                add(None)
                continue
            end = known.header_end
            try:
                quote = stored.index(b'",', end)
                time, source_ns = self._time(stored[end:quote])
                members = orjson.loads(b"{%b}" % stored[quote + 2 : -STAMP_BYTES])
                payload = _hashed_payload(members, known.series)
            except (ValueError, TypeError, KeyError, _UncommonError, TimestampError):
                add(None)
                continue
            is_alike = stored[ID_END:end] == known.header and stored.startswith(BEGIN)
            add((known, source_ns, time, payload) if is_alike else None)
        return looks

    def _series(self, key: bytes) -> KnownSeries | None:
        number = int.from_bytes(key[TIME_BYTES:], "big")
        if len(key) != TIME_BYTES + 4 or number >= len(self._names):
            return None
        found = self._known[key[TIME_BYTES:]] = _known(self._names[number])
        return found

    def _time(self, text: bytes) -> tuple[bytes, int]:
        """The normal form of a source time, and the time in ns."""
        if len(text) == NORMAL_CHARS and text[SECOND_CHARS] == 46 and text[-1] == 90:
            second_ns = self._seconds.get(text[:SECOND_CHARS])
            if second_ns is None:
                if len(self._seconds) >= CACHED_MAX_SECONDS:
                    self._seconds.clear()
                second_ns = timestamps.parse(f"{text[:SECOND_CHARS].decode()}Z")
                self._seconds[text[:SECOND_CHARS]] = second_ns
            digits = text[SECOND_CHARS + 1 : -1]
            if digits.isdigit():
                return text, second_ns + int(digits)
        source_ns = timestamps.parse(text.decode())
        return timestamps.text(source_ns).encode(), source_ns

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


_Look = tuple[KnownSeries, int, bytes, bytes]
"""Series, source time in ns and in its normal form, and what is hashed, not yet canonical."""

_Found = tuple[int, int, bytes]
"""Source time in ns, lane and eventId."""


def _stamp(second_ns: int) -> bytes:
    """The end of the envelopes of one second, up to the digits of the nanoseconds."""
    return b',"canonicalTruthTime":"%b.' % timestamps.text(second_ns)[:SECOND_CHARS].encode()


def _hashed_payload(members: dict[str, object], series: Series) -> bytes:
    if series.lane == "raw":
        # Neither of these is hashed, so that nothing else would notice a wrong one.
        connection, sequence = members.get("connectionId", ""), members.get("sequence", 0)
        if type(connection) is not str or type(sequence) is not int:
            raise _UncommonError
        if not RAW_MEMBERS.issuperset(members) or not 0 <= sequence <= SEQUENCE_MAX:
            raise _UncommonError
        return a2b_base64(str(members["bytes"]), strict_mode=True)
    if members.pop("messageType") != series.message_type:
        raise _UncommonError
    if series.lane == "ui" and members["viewId"] != series.view_id:
        raise _UncommonError
    return orjson.dumps(members, option=orjson.OPT_SORT_KEYS)


def _digest(look: _Look, is_sure: bool) -> bytes | None:
    """The eventId of an event; None if its payload has no canonical form."""
    known, _, time, payload = look
    if known.lane != RAW_LANE:
        if is_sure:
            payload = canonical.strip_integral_fractions(payload)
        else:
            try:
                payload = canonical.canonicalize_text(payload)
            except CanonicalError:
                return None
    return sha256(b"%b%b\n%b" % (known.head, time, payload)).digest()
