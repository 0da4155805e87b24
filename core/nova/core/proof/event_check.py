"""Recomputes eventIds from stored envelopes, and the keys that an event must have.

The members of a stored envelope have one order, and events of a series share those before the time.
So the common case compares bytes, decodes only what is hashed, and handles a block of events at a
time; whatever differs from it goes to the validator, which finds the reason. A property test checks
that both agree.
"""

from __future__ import annotations

from binascii import a2b_base64, hexlify
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from nova.core.ordering import (
    EVENT_ID_BYTES,
    EVENT_ID_OFFSET,
    EVENT_KEY_BYTES,
    LANE_OFFSET,
    ORDER_KEY_BYTES,
    TIME_BYTES,
    order_key,
    time_of,
    unsigned_time,
)
from nova.core.proof.canonical_objects import canonical_objects
from nova.core.proof.native_proof import native_proof
from nova.core.proof.time_texts import TimeTexts, normal_texts
from nova.core.store.key_value import KeyValue
from nova.core.store.row_table import RowTable, lines, table
from nova.sdk.address import LANE_PRIORITY
from nova.sdk.errors import EnvelopeError
from nova.sdk.events.event import SEQUENCE_MAX, Series, check_stored
from nova.sdk.events.event_id import hashed_head
from nova.sdk.events.series import hashed_ids
from nova.sdk.timestamps import NORMAL_CHARS

BEGIN = b'{"eventId":"'
ID_START = len(BEGIN)
ID_CHARS = 2 * EVENT_ID_BYTES
ID_END = ID_START + ID_CHARS
STAMP_BEGIN, STAMP_END = b',"canonicalTruthTime":"', b'"}'
STAMP_BYTES = len(STAMP_BEGIN) + NORMAL_CHARS + len(STAMP_END)
MESSAGE_TYPE = b'"messageType"'
RAW_LANE = LANE_PRIORITY["raw"]
RAW_MEMBERS = frozenset(("bytes", "connectionId", "sequence"))
_BIG_ENDIAN = np.dtype(">u8")


class KnownSeries(NamedTuple):
    """What the events of a series share: the text before their source time and behind it, the
    hashed head and the lane. Of the text behind, `header_chars` are not hashed.
    """

    before: bytes
    before_end: int
    behind: bytes
    header_chars: int
    head: bytes
    lane: int


NO_SERIES = KnownSeries(b"", 0, b"", 0, b"", 0)
"""Stands for a series that the archive does not know."""


class EventFault(NamedTuple):
    """Why a row of `canonical` is no event of this archive; `event_id` is empty if unknown."""

    event_key: bytes
    event_id: bytes
    reason: str


class CheckedBlock(NamedTuple):
    """The events of a block, their event keys and order keys, and what is wrong with the others."""

    rows: list[KeyValue]
    event_table: RowTable
    source_table: RowTable
    faults: list[EventFault]

    def event_keys(self) -> list[bytes]:
        return lines(self.event_table)

    def source_keys(self) -> list[bytes]:
        return lines(self.source_table)


class _Cut(NamedTuple):
    """What decides about events, by column: their series, source times as text, and what is hashed
    of their members, as text. `numbers` says which rows of the block they are.
    """

    numbers: list[int]
    known: list[KnownSeries]
    texts: list[bytes]
    members: list[bytes]


def _known(series: Series) -> KnownSeries:
    ids = (series.system_id, series.container_id, series.unique_id)
    before = (
        f'","scopeId":"{series.scope_id}","lane":"{series.lane}","systemId":"{ids[0]}",'
        f'"containerId":"{ids[1]}","uniqueId":"{ids[2]}","sourceTruthTime":"'
    ).encode()
    header = b'",'
    if series.lane != "raw":
        header += MESSAGE_TYPE + b':"%b",' % series.message_type.encode()
    view = b'"viewId":"%b",' % series.view_id.encode() if series.lane == "ui" else b""
    head = hashed_head(series.scope_id, series.lane, hashed_ids(series), series.message_type)
    return KnownSeries(
        before, ID_END + len(before), header + view, len(header), head, LANE_PRIORITY[series.lane]
    )


class EventCheck:
    """Checks blocks of `canonical`. `names` are the series by number."""

    def __init__(self, names: Sequence[Series]) -> None:
        self._names = names
        self._native = native_proof(names)
        self._known: dict[bytes, KnownSeries] = {}
        self._source_times = TimeTexts()
        self._stamp_times = TimeTexts()

    def check(self, rows: list[KeyValue]) -> CheckedBlock:
        """The events of a block in their order, with their keys."""
        if self._native is None:
            source_table = np.zeros((len(rows), ORDER_KEY_BYTES), np.uint8)
            is_right = np.zeros(len(rows), np.bool_)
        else:
            is_right, source_table = self._native.proved(rows)
        cut = self._cut(rows, np.flatnonzero(~is_right).tolist())
        if cut.numbers:
            source_table[cut.numbers], is_right[cut.numbers] = self._proved(cut, rows)
            self._learn(rows, cut.numbers, is_right)
        faults: list[EventFault] = []
        for number in np.flatnonzero(~is_right).tolist():
            outcome = self._slowly(*rows[number])
            if isinstance(outcome, EventFault):
                faults.append(outcome)
            else:
                source_table[number] = np.frombuffer(outcome, np.uint8)
                is_right[number] = True
        if faults:
            rows = [row for row, right in zip(rows, is_right.tolist(), strict=True) if right]
            source_table = source_table[is_right]
        event_table = table(b"".join([key for key, _ in rows]), EVENT_KEY_BYTES)
        return CheckedBlock(rows, event_table, source_table, faults)

    def _learn(self, rows: list[KeyValue], numbers: list[int], is_right: NDArray[np.bool_]) -> None:
        """Let the native part learn the streams of events that it has left to Python, one of each
        series: the next block shows whether the series has others.
        """
        if self._native is None:
            return
        right = (rows[number] for number in numbers if is_right[number])
        for row in {row[0][TIME_BYTES:]: row for row in right}.values():
            self._native.learn(row)

    def _cut(self, all_rows: list[KeyValue], numbers: list[int]) -> _Cut:
        """Of some rows, the events whose text is that of their series, as far as it is fixed."""
        get, make = self._known.get, self._series
        rows = [all_rows[number] for number in numbers]
        known = [get(key[TIME_BYTES:]) or make(key) for key, _ in rows]
        stored = [one for _, one in rows]
        ends = [one.find(b'"', to.before_end) for one, to in zip(stored, known, strict=True)]
        places = [
            place
            for place, (one, to, end) in enumerate(zip(stored, known, ends, strict=True))
            if one.startswith(to.before, ID_END) and one.startswith(to.behind, end)
        ]
        if len(places) < len(rows) or NO_SERIES in known:
            places = [place for place in places if known[place] is not NO_SERIES]
            numbers = [numbers[place] for place in places]
            known = [known[place] for place in places]
            stored = [stored[place] for place in places]
            ends = [ends[place] for place in places]
        columns = list(zip(stored, known, ends, strict=True))
        texts = [one[to.before_end : end] for one, to, end in columns]
        members = [one[end + to.header_chars : -STAMP_BYTES] for one, to, end in columns]
        return _Cut(numbers, known, texts, members)

    def _series(self, key: bytes) -> KnownSeries:
        number = int.from_bytes(key[TIME_BYTES:], "big")
        if len(key) != EVENT_KEY_BYTES or number >= len(self._names):
            return NO_SERIES
        found = self._known[key[TIME_BYTES:]] = _known(self._names[number])
        return found

    def _slowly(self, key: bytes, stored: bytes) -> bytes | EventFault:
        """The order key by the validator, or the fault."""
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
        if len(key) != EVENT_KEY_BYTES:
            reason = f"its key has {len(key)} bytes, not {EVENT_KEY_BYTES}"
        elif event.event_id != event_id:
            reason = f"its content has the eventId {event.event_id.hex()}"
        elif number >= len(self._names) or self._names[number] != event.series:
            reason = f"its key has the series {number}, which is not that of the envelope"
        elif canonical_ns != time_of(key):
            reason = "its key has another time than its canonicalTruthTime"
        else:
            return order_key(event.source_ns, event.lane, event_id)
        return EventFault(key, event_id, reason)

    def _proved(self, cut: _Cut, rows: list[KeyValue]) -> tuple[RowTable, NDArray[np.bool_]]:
        """The order keys that events must have, and whether all of their envelopes agrees with it
        and with their event keys.
        """
        stored = [rows[number][1] for number in cut.numbers]
        texts = normal_texts(cut.texts)
        source = self._source_times.parse(b"".join(texts))
        payloads = _payloads(cut)
        digests = b"".join(
            [
                sha256(b"%b%b\n%b" % (known.head, text, payload or b"")).digest()
                for known, text, payload in zip(cut.known, texts, payloads, strict=True)
            ]
        )
        found = np.empty((len(stored), ORDER_KEY_BYTES), np.uint8)
        found[:, :TIME_BYTES] = _time_columns(source.ns)
        found[:, LANE_OFFSET] = [known.lane for known in cut.known]
        found[:, EVENT_ID_OFFSET:] = table(digests, EVENT_ID_BYTES)
        begins = table(b"".join([one[:ID_END] for one in stored]), ID_END)
        is_right = source.is_valid & _are(begins[:, :ID_START], BEGIN)
        is_right &= (begins[:, ID_START:] == table(hexlify(digests), ID_CHARS)).all(axis=1)
        is_right &= self._are_stamped(stored, [rows[number][0] for number in cut.numbers])
        if None in payloads:
            is_right &= [payload is not None for payload in payloads]
        return found, is_right

    def _are_stamped(self, stored: list[bytes], event_keys: list[bytes]) -> NDArray[np.bool_]:
        """Whether envelopes end with the times of their event keys."""
        ends = table(b"".join([one[-STAMP_BYTES:] for one in stored]), STAMP_BYTES)
        begin, end = len(STAMP_BEGIN), STAMP_BYTES - len(STAMP_END)
        stamps = self._stamp_times.parse(ends[:, begin:end].tobytes())
        times = table(b"".join(event_keys), EVENT_KEY_BYTES)[:, :TIME_BYTES]
        is_right = stamps.is_valid & _are(ends[:, :begin], STAMP_BEGIN)
        is_right &= _are(ends[:, end:], STAMP_END)
        is_right &= (_time_columns(stamps.ns) == times).all(axis=1)
        return is_right


def _are(columns: RowTable, wanted: bytes) -> NDArray[np.bool_]:
    """Which lines have these bytes."""
    same: NDArray[np.bool_] = (columns == np.frombuffer(wanted, np.uint8)).all(axis=1)
    return same


def _time_columns(times_ns: NDArray[np.int64]) -> RowTable:
    """Times as key bytes."""
    unsigned = times_ns.astype(np.uint64) + np.uint64(unsigned_time(0))
    return unsigned.astype(_BIG_ENDIAN).view(np.uint8).reshape(-1, TIME_BYTES)


def _payloads(cut: _Cut) -> list[bytes | None]:
    """What is hashed of events; None if that is for the validator to say."""
    is_raw = [known.lane == RAW_LANE for known in cut.known]
    others = [text for text, raw in zip(cut.members, is_raw, strict=True) if not raw]
    canonical = canonical_objects(others)
    if MESSAGE_TYPE in b"".join(others):  # A second one would be hashed as a member.
        pairs = zip(others, canonical, strict=True)
        canonical = [None if MESSAGE_TYPE in text else form for text, form in pairs]
    form = iter(canonical)
    of_each = zip(cut.members, is_raw, strict=True)
    return [_raw_payload(text) if raw else next(form) for text, raw in of_each]


def _raw_payload(members_text: bytes) -> bytes | None:
    # Neither connection nor sequence is hashed, so that nothing else would notice a wrong one.
    try:
        members = orjson.loads(b"{%b}" % members_text)
        connection, sequence = members.get("connectionId", ""), members.get("sequence", 0)
        if type(connection) is not str or type(sequence) is not int:
            return None
        if not RAW_MEMBERS.issuperset(members) or not 0 <= sequence <= SEQUENCE_MAX:
            return None
        return a2b_base64(str(members["bytes"]), strict_mode=True)
    except (ValueError, KeyError):
        return None
