"""The derived database of alarms: their transitions in both timebases, and how far each is folded.

An alarm is that of a rule and a series, with a number. A position sorts what concerns an alarm
(`nova.core.alarms`). Keys, and their values as MessagePack:

state                                                       origin and cursor
alarm/ + number (4)                                         AlarmName
rule/ + receive time (8)                                    the envelope of a rule
fold/ + timebase (s or c) + number (4)                      AlarmProgress
row/ + timebase + number + position + t                     a transition
row/ + timebase + number + position + m                     a mark: the alarm after that position
time/ + timebase + position + number                        empty: the transitions by time
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

import msgspec

from nova.core.errors import DerivedDamagedError
from nova.core.ordering import TIME_BYTES, Timebase, time_key
from nova.core.store.derived_database import DerivedDatabase
from nova.core.store.key_value import KeyValue
from nova.core.store.keys import TIMEBASE_BYTES, series_bytes
from nova.sdk.events.event import Series
from nova.sdk.timestamps import NS_MIN

ALARMS_FOLDER = "alarms"
LAYOUT = 4
"""2: a version of a rule replaces those scheduled before it. 3: enabling judges the last value.
4: an alarm has the times at which its values crossed the bounds of its severities.
"""

TRANSITION, MARK = b"t", b"m"
_NUMBER_BYTES = 4
_MAKING_BYTES = 8
_AFTER = b"\xff"

Decoded = TypeVar("Decoded")


class AlarmContext(NamedTuple):
    """The series and the field that a rule's context reads."""

    series: Series
    field: str


class AlarmName(NamedTuple):
    """What an alarm judges, and by which rule. `rule_scope` published the rule; it is empty for the
    limits of manifests, whose `rule_id` is viewId:key.
    """

    rule_scope: str
    rule_id: str
    series: Series
    field: str
    context: AlarmContext | None = None


class AlarmProgress(msgspec.Struct, array_like=True):
    """How far an alarm is folded: up to and with the position of its last input."""

    frontier: bytes
    alarm: msgspec.Raw


_name_decoder = msgspec.msgpack.Decoder(AlarmName)
_progress_decoder = msgspec.msgpack.Decoder(AlarmProgress)
_encode = msgspec.msgpack.Encoder().encode


def name_row(number: int, name: AlarmName) -> KeyValue:
    return b"alarm/" + series_bytes(number), _encode(name)


def rule_row(canonical_ns: int, stored: bytes) -> KeyValue:
    return b"rule/" + time_key(canonical_ns), stored


def progress_row(timebase: Timebase, number: int, progress: AlarmProgress) -> KeyValue:
    return _progress_key(timebase, number), _encode(progress)


def transition_rows(
    timebase: Timebase, number: int, position: bytes, transition: bytes
) -> tuple[KeyValue, KeyValue]:
    """The rows of a transition: itself, and its place in time."""
    key = _row_head(timebase, number) + position + TRANSITION
    return (key, transition), (_time_key(timebase, position, number), b"")


def mark_row(timebase: Timebase, number: int, position: bytes, alarm: bytes) -> KeyValue:
    return _row_head(timebase, number) + position + MARK, alarm


class AlarmStore(DerivedDatabase):
    """The derived database of alarms."""

    FOLDER = ALARMS_FOLDER
    CONTENT = "alarms"
    LAYOUT = LAYOUT

    def _new_making(self) -> bytes:
        """Random: readers that know alarms by number see that these may be others now."""
        return secrets.token_bytes(_MAKING_BYTES)

    def names(self, first: int = 0) -> list[AlarmName]:
        """The alarms from a number on."""
        rows = self.scan(b"alarm/" + series_bytes(first), b"alarm/" + b"\xff" * 5)
        return [self._decoded(_name_decoder, value) for _, value in rows]

    def rules(self, after_ns: int = NS_MIN) -> Iterator[tuple[int, bytes]]:
        """Receive time in ns and envelope of each rule that was applied, from after a time on."""
        lower = b"rule/" + time_key(after_ns) + _AFTER if after_ns > NS_MIN else b"rule/"
        for key, stored in self.scan(lower, b"rule/" + b"\xff" * (TIME_BYTES + 1)):
            yield int.from_bytes(key[5:], "big") - (1 << 63), stored

    def progress(self, timebase: Timebase, numbers: list[int]) -> list[AlarmProgress | None]:
        """How far these alarms are folded."""
        values = self.get_many([_progress_key(timebase, number) for number in numbers])
        return [
            None if value is None else self._decoded(_progress_decoder, value) for value in values
        ]

    def last_transition(self, timebase: Timebase, number: int, position: bytes) -> bytes | None:
        """The last transition at or before a position."""
        return next(
            (value for _, value in self._back(timebase, number, position, TRANSITION)), None
        )

    def transitions_back(
        self, timebase: Timebase, number: int, position: bytes
    ) -> Iterator[KeyValue]:
        """Positions and transitions of an alarm at or before a position, the newest first."""
        return self._back(timebase, number, position, TRANSITION)

    def last_mark(
        self, timebase: Timebase, number: int, position: bytes
    ) -> tuple[bytes, bytes] | None:
        """Position and alarm of the last mark before a position."""
        for found, value in self._back(timebase, number, position, MARK):
            if found < position:
                return found, value
        return None

    def _back(
        self, timebase: Timebase, number: int, position: bytes, kind: bytes
    ) -> Iterator[KeyValue]:
        head = _row_head(timebase, number)
        for key, value in self.scan(head, head + position + _AFTER, reverse=True):
            if key[-1:] == kind:
                yield key[len(head) : -1], value

    def transitions(
        self, timebase: Timebase, first: bytes, last: bytes, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, int]]:
        """Position and alarm number of the transitions between two positions, by time."""
        head = b"time/" + TIMEBASE_BYTES[timebase]
        for key, _ in self.scan(head + first, head + last + _AFTER, reverse=reverse):
            number = int.from_bytes(key[-_NUMBER_BYTES:], "big")
            yield key[len(head) : -_NUMBER_BYTES], number

    def transition(self, timebase: Timebase, number: int, position: bytes) -> bytes | None:
        return self.get(_row_head(timebase, number) + position + TRANSITION)

    def rows_after(self, timebase: Timebase, number: int, position: bytes) -> Iterator[bytes]:
        """The keys of all rows of an alarm after a position."""
        head = _row_head(timebase, number)
        lower = head + position + _AFTER if position else head
        for key, _ in self.scan(lower, head + _AFTER * 64):
            yield key
            if key[-1:] == TRANSITION:
                yield _time_key(timebase, key[len(head) : -1], number)

    def _decoded(self, decoder: msgspec.msgpack.Decoder[Decoded], value: bytes) -> Decoded:
        try:
            return decoder.decode(value)
        except msgspec.DecodeError as error:
            raise DerivedDamagedError(
                f"a record of the {self.CONTENT} is damaged: {error}"
            ) from error


def _progress_key(timebase: Timebase, number: int) -> bytes:
    return b"fold/" + TIMEBASE_BYTES[timebase] + series_bytes(number)


def _row_head(timebase: Timebase, number: int) -> bytes:
    return b"row/" + TIMEBASE_BYTES[timebase] + series_bytes(number)


def _time_key(timebase: Timebase, position: bytes, number: int) -> bytes:
    return b"time/" + TIMEBASE_BYTES[timebase] + position + series_bytes(number)
