"""NMEA 0183 recordings: a raw event per line, and parsed events for each decoded sentence.

Most sentences have a time of day, few a date. So the file is read twice: first up to the first full
date and time, which dates the lines before it, then to publish.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO, NamedTuple

from nova.recordings import ais, view_cards
from nova.recordings.ais import AisJoiner, AisMessage
from nova.recordings.logged_line import LoggedLine, parse_logged_line, split_sentences
from nova.recordings.recording import DatedReader, Step, event_step, undated_error
from nova.recordings.sentence import (
    CUT,
    Sentence,
    SentenceSource,
    damage_reason,
    decode,
    parse_source,
)
from nova.recordings.sentence_clock import (
    LineTimes,
    LogStart,
    SentenceClock,
    TalkerFixes,
    find_start,
)
from nova.recordings.sentence_gap import dated
from nova.sdk.errors import EnvelopeError, TimestampError
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity

LINE_MAX_BYTES = 8192
"""Longer lines are not sentences; they are published in pieces of this size."""
FIX_LOOKAHEAD_LINES = 200
"""Lines within which a receiver is expected to report whether it has a fix."""
AIS_KINDS = ("VDM", "VDO")
"""AIS sentence types, whose payload pynmea2 does not decode."""
TAG_DAMAGED = "the checksum of a TAG block is wrong; its time is used as written"
HINT = "no RMC or ZDA sentence with a date and a fix; give --epoch, an ISO time"


class _ParsedLine(NamedTuple):
    """A line with its parsed parts."""

    line: bytes
    logged: LoggedLine
    source: SentenceSource
    sentence: Sentence | None

    @property
    def is_ais(self) -> bool:
        return self.source.kind in AIS_KINDS


class NmeaReader(DatedReader):
    """Reads a file with one sentence per line."""

    SYSTEM_ID = "nmea"

    def steps(self) -> Iterator[Step]:
        """A step per line; header lines (`#`) and empty lines are skipped."""
        clock = SentenceClock(self._start(), self._epoch_ns)
        fixes, joiner = self._fixes(), AisJoiner()
        for (number, offset, parsed), at_ns in dated(_timed(self._parsed(), fixes), clock):
            message = joiner.join(parsed.logged.sentence) if parsed.is_ais else None
            place = f"line {number}"
            try:
                yield event_step(
                    offset, place, self._events(parsed, message, at_ns), _note_of(parsed, message)
                )
            except (EnvelopeError, TimestampError) as error:
                yield Step(offset, place, problem=str(error))

    def _lines(self) -> Iterator[tuple[int, int, bytes]]:
        """The number, end and bytes (with line end) of each line that may hold a sentence."""
        offset, number, begins = 0, 1, True
        with self._path.open("rb") as file:
            for piece in _pieces(file):
                offset += len(piece)
                if piece.strip() and not (begins and piece.startswith(b"#")):
                    yield number, offset, piece
                begins = piece.endswith((b"\n", b"\r"))
                number += begins

    def _parsed(self) -> Iterator[tuple[int, int, _ParsedLine]]:
        """The number, end and parts of each line; what was received has the time of that."""
        for number, offset, line in self._lines():
            parsed = _parse_line(line)
            if self._arrivals is not None and parsed.logged.stamp_ns is None:
                stamp_ns = self._arrivals.time_ns(offset)
                parsed = parsed._replace(logged=parsed.logged._replace(stamp_ns=stamp_ns))
            yield number, offset, parsed

    def _fixes(self) -> TalkerFixes:
        """The fix state of each talker at the start, since a date may come before it."""
        fixes = TalkerFixes()
        first = (line for _, _, line in islice(self._parsed(), FIX_LOOKAHEAD_LINES))
        fixes.initialize((line.source.talker, line.sentence) for line in first)
        return fixes

    def _start(self) -> LogStart:
        """The start of the log, dated by its first full date and time; raises RecordingError."""
        fixes = self._fixes()
        found = find_start(
            (_line_times(line, fixes) for _, _, line in self._parsed()), self._epoch_ns
        )
        if found is not None:
            return found
        if self._epoch_ns is not None:
            return LogStart(self._epoch_ns, None)
        if next(self._lines(), None) is None:
            return LogStart(0, None)
        raise undated_error(self._path, HINT)

    def _events(
        self, parsed: _ParsedLine, message: AisMessage | str | None, at_ns: int
    ) -> Iterator[Event]:
        entity = Entity(self._system_id, parsed.source.talker, parsed.source.kind)
        observation = self._observer.observe(entity, at_ns)
        yield observation.raw(parsed.line)
        sentence = parsed.sentence
        if isinstance(message, AisMessage):
            yield from self._ship(message, at_ns)
        elif sentence is not None:
            yield observation.parsed(sentence.kind, sentence.fields)
            if sentence.position is not None:
                yield observation.parsed("Position", sentence.position)
            updates = view_cards.sentence_cards(sentence.kind, sentence.fields, sentence.position)
            yield from view_cards.view_updates(self._views, observation, updates)

    def _ship(self, message: AisMessage, at_ns: int) -> Iterator[Event]:
        ship = Entity(self._system_id, ais.CONTAINER_ID, message.mmsi)
        observation = self._observer.observe(ship, at_ns)
        yield observation.parsed(ais.KIND, message.fields)
        if message.position is not None:
            yield observation.parsed("Position", message.position)
            updates = view_cards.ship_cards(message.fields, message.position)
            yield from view_cards.view_updates(self._views, observation, updates)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    """Lines, split where a sentence begins within one; concatenated they are the file."""
    rest = b""
    while piece := file.readline(LINE_MAX_BYTES - len(rest)):
        *whole, rest = split_sentences(rest + piece)
        yield from whole
        if rest.endswith(b"\n") or len(rest) >= LINE_MAX_BYTES:
            yield rest
            rest = b""
    if rest:
        yield rest


def _parse_line(line: bytes) -> _ParsedLine:
    found = parse_logged_line(line)
    source = parse_source(found.sentence)
    sentence = None if source.kind in AIS_KINDS else decode(found.sentence)
    return _ParsedLine(line, found, source, sentence)


def _line_times(parsed: _ParsedLine, fixes: TalkerFixes) -> LineTimes:
    return fixes.line_times(parsed.source.talker, parsed.sentence, parsed.logged.stamp_ns)


def _timed(
    read: Iterable[tuple[int, int, _ParsedLine]], fixes: TalkerFixes
) -> Iterator[tuple[tuple[int, int, _ParsedLine], LineTimes]]:
    return ((one, _line_times(one[2], fixes)) for one in read)


def _note_of(parsed: _ParsedLine, message: AisMessage | str | None) -> str | None:
    tag = TAG_DAMAGED if parsed.logged.is_tag_damaged else None
    if parsed.is_ais:
        return message if isinstance(message, str) else tag
    if parsed.sentence is None:
        return damage_reason(parsed.logged.sentence)
    if parsed.sentence.is_cut:
        return CUT
    return tag
