"""NMEA 0183 recordings: a raw event per line, and parsed ones for each sentence that can be read.

Sentences say the time of day, and only a few the date. So the file is read twice: once up to the
first date, which dates the whole, and once to publish.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial

from sdk.errors import EnvelopeError, TimestampError
from sdk.event import Event
from sdk.formats import cards
from sdk.formats.recording import Recorded, Step, no_time, step
from sdk.formats.sentence import NS_PER_DAY, Sentence, Source, decode, source_of, split_binary
from sdk.observation import Entity
from sdk.timestamps import NS_PER_SECOND

LINE_MAX_BYTES = 8192
"""Longer lines are no sentences; they are published in pieces of this size."""
RAW_ONLY = "raw only: no sentence that pynmea2 reads"
AIS = (b"!AIVDM", b"!AIVDO", b"!BSVDM", b"!ABVDM")
"""Sentences of ships, whose payload pynmea2 does not read."""


class NmeaReader(Recorded):
    """Reads a file of sentences, one a line."""

    SYSTEM_ID = "nmea"

    def steps(self) -> Iterator[Step]:
        """A step per line; header lines (`#`) and empty ones are passed over."""
        now_ns = self._first_time()
        for number, offset, line in self._lines():
            sentence = None if line.startswith(AIS) else decode(line)
            if sentence is not None and now_ns is not None:
                now_ns = _dated(sentence, now_ns)
            assert now_ns is not None
            place = f"line {number}"
            try:
                yield step(
                    offset, place, self._events(line, sentence, now_ns), _note(line, sentence)
                )
            except (EnvelopeError, TimestampError) as error:
                yield Step(offset, place, problem=str(error))

    def _lines(self) -> Iterator[tuple[int, int, bytes]]:
        """The number, end and bytes (with line end) of each line that may hold a sentence."""
        offset, number, begins = 0, 1, True
        with self._path.open("rb") as file:
            for piece in iter(partial(file.readline, LINE_MAX_BYTES), b""):
                offset += len(piece)
                if piece.strip() and not (begins and piece.startswith(b"#")):
                    yield from ((number, offset, part) for part in split_binary(piece))
                begins = piece.endswith(b"\n")
                number += begins

    def _first_time(self) -> int | None:
        """The time of the first sentence that says one, dated by the first date in the file."""
        first_of_day_ns: int | None = None
        empty = True
        for _, _, line in self._lines():
            empty = False
            sentence = decode(line)
            if sentence is None or sentence.time_of_day_ns is None:
                continue
            if first_of_day_ns is None:
                first_of_day_ns = sentence.time_of_day_ns
            if sentence.date is not None:
                reference_ns = _midnight_ns(sentence.date) + sentence.time_of_day_ns
                return nearest(first_of_day_ns, reference_ns)
        if empty or self._epoch_ns is not None:
            return self._epoch_ns
        raise no_time(self._path, "no RMC or ZDA sentence has a date; give --epoch, an ISO time")

    def _events(self, line: bytes, sentence: Sentence | None, at_ns: int) -> Iterator[Event]:
        observation = self._observer.observe(self._entity(source_of(line)), at_ns)
        yield observation.raw(line)
        if sentence is None:
            return
        yield observation.parsed(sentence.kind, sentence.fields)
        if sentence.position is not None:
            yield observation.parsed("Position", sentence.position)
        told = cards.of_sentence(sentence.kind, sentence.fields, sentence.position)
        yield from cards.tell(self._views, observation, told)

    def _entity(self, source: Source) -> Entity:
        return Entity(self._system_id, source.talker, source.kind)


def _note(line: bytes, sentence: Sentence | None) -> str | None:
    return RAW_ONLY if sentence is None and not line.startswith(AIS) else None


def _dated(sentence: Sentence, now_ns: int) -> int:
    """The time of a sentence; without a time of its own, that of the sentence before."""
    if sentence.time_of_day_ns is None:
        return now_ns
    if sentence.date is not None:
        return _midnight_ns(sentence.date) + sentence.time_of_day_ns
    return nearest(sentence.time_of_day_ns, now_ns)


def nearest(time_of_day_ns: int, reference_ns: int) -> int:
    """The moment with this time of day that is nearest to another moment, across midnight."""
    half = NS_PER_DAY // 2
    return reference_ns + (time_of_day_ns - reference_ns + half) % NS_PER_DAY - half


def _midnight_ns(day: date) -> int:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return int(midnight.timestamp()) * NS_PER_SECOND
