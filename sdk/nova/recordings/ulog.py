"""ULog recordings (PX4): a raw and a parsed event per record; topic and instance are the entity."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator

from nova.recordings import view_cards
from nova.recordings.recording import DatedReader, Step, event_step
from nova.recordings.ulog_definitions import parse_parameter, read_definitions
from nova.recordings.ulog_messages import UlogDamage, UlogMessage, read_messages
from nova.recordings.ulog_topic import UlogTopic
from nova.recordings.xtce_decoders import NOT_FINITE
from nova.sdk import timestamps
from nova.sdk.errors import EnvelopeError, TimestampError
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity, Observation

LOGGER = ("logger", "0")
NS_PER_US = 1_000
STAMP_FIELD = "timestamp"
UTC_FIELD = "time_utc_usec"
FIX_FIELD = "fix_type"
FIXES = range(3, 7)
"""Fix types from 3D to RTK. With a lesser fix a receiver reports a date from the factory or its
last use. 8 is dead reckoning.
"""
BOOT_UTC = "boot_time_utc_us"
UTC_EARLIEST_US = 946_684_800_000_000
"""The year 2000: a receiver may report a fix before it knows the time."""
NO_UTC = (
    "no fix of type 3 or better and no boot_time_utc_us give UTC: times count from 1970 as the "
    "moment of boot; give the moment of boot by --epoch"
)
BOOT_DATED = "no fix of type 3 or better gives UTC: dated by the log's boot_time_utc_us"
NO_STAMP = "the record has no time: it gets the latest one before it"
FAR_STAMP = "the record's time is after 2262: it gets the latest one before it"
KINDS = "ABCDFILMOPQRS"
LEVELS = ("EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG")
_ID = struct.Struct("<H")
_ADDED_NAME_AT = 3
_LOGGED = struct.Struct("<BQ")
_TAGGED = struct.Struct("<BHQ")
_DURATION = struct.Struct("<H")


class UlogReader(DatedReader):
    """Reads the log of a PX4 autopilot."""

    SYSTEM_ID = "ulog"

    def _prepare(self) -> None:
        self._definitions = read_definitions(self._path)
        self._topics: dict[int, UlogTopic] = {}
        self._last_us = self._definitions.start_us
        self._dropouts: Counter[int] = Counter()
        """Dropouts since the latest time, by duration."""

    def steps(self) -> Iterator[Step]:
        """A step per record and logged line, and one per stretch without messages."""
        note = self._determine_epoch()
        yield self._step_or_problem(0, "its head", self._head(), note)
        for offset, problem in self._definitions.problems:
            yield Step(0, f"byte {offset}", problem=problem)
        self._topics.clear()
        for message in self._messages():
            place = f"byte {message.offset_bytes}"
            if isinstance(message, UlogDamage):
                yield Step(message.end_bytes, place, problem=message.reason)
                continue
            yield from self._steps(message, place)

    def _messages(self) -> Iterator[UlogMessage | UlogDamage]:
        with self._path.open("rb") as file:
            yield from read_messages(file, self._is_known)

    def _is_known(self, kind: str, data: bytes) -> bool:
        """Whether it is a record of an announced topic, or an announcement with a known format."""
        if kind == "A":
            return data[_ADDED_NAME_AT:].decode("utf-8", "replace") in self._definitions.formats
        topic = self._topics.get(_ID.unpack_from(data)[0]) if len(data) > _ID.size else None
        return topic is not None and topic.fits(data[_ID.size :])

    def _determine_epoch(self) -> str | None:
        """Determine the UTC of the log's time zero; returns a note on how, if needed."""
        if self._epoch_ns is None:
            self._epoch_ns = self._fix_ns()
        if self._epoch_ns is not None:
            return None
        boot_us = self._definitions.information.get(BOOT_UTC)
        if isinstance(boot_us, int) and boot_us >= UTC_EARLIEST_US:
            self._epoch_ns = boot_us * NS_PER_US
            return BOOT_DATED
        return NO_UTC

    def _fix_ns(self) -> int | None:
        """The UTC of the log's time zero, from the first fix with a time."""
        for message in self._messages():
            if isinstance(message, UlogDamage):
                continue
            if message.kind == "A":
                self._register_topic(message)
            topic = self._topic(message)
            if topic is None or not topic.has_field(UTC_FIELD):
                continue
            values = topic.decode(message.data[_ID.size :]) or {}
            utc_us, stamp_us = values.get(UTC_FIELD), values.get(STAMP_FIELD)
            if not isinstance(utc_us, int) or not isinstance(stamp_us, int):
                continue
            if values.get(FIX_FIELD) in FIXES and utc_us >= UTC_EARLIEST_US:
                return (utc_us - stamp_us) * NS_PER_US
        return None

    def _register_topic(self, message: UlogMessage) -> str | None:
        """Register a topic; returns the problem if it is invalid."""
        try:
            topic = UlogTopic(message.data, self._definitions.formats)
        except ValueError as error:
            return str(error)
        self._topics[topic.id] = topic
        return None

    def _topic(self, message: UlogMessage) -> UlogTopic | None:
        """The topic of a record message."""
        if message.kind != "D" or len(message.data) < _ID.size:
            return None
        return self._topics.get(_ID.unpack_from(message.data)[0])

    def _steps(self, message: UlogMessage, place: str) -> Iterator[Step]:
        if message.kind == "D":
            yield from self._record(message, place)
        elif (step := self._step(message, place)) is not None:
            yield step

    def _step(self, message: UlogMessage, place: str) -> Step | None:
        problem = None
        if message.kind == "A":
            problem = self._register_topic(message)
        elif message.kind in "LC":
            return self._step_or_problem(message.end_bytes, place, self._log_line(message))
        elif message.kind == "O":
            return self._step_or_problem(message.end_bytes, place, self._dropout(message))
        elif message.kind not in KINDS:
            problem = f"a message of the unknown type {message.kind}"
        elif message.kind == "P" and self._topics:  # Earlier ones are part of the head.
            return self._step_or_problem(message.end_bytes, place, self._parameter(message))
        return Step(message.end_bytes, place, problem=problem) if problem else None

    def _record(self, message: UlogMessage, place: str) -> Iterator[Step]:
        topic = self._topic(message)
        record = message.data[_ID.size :]
        decoded = topic.decode(record) if topic else None
        if topic is None or decoded is None:
            problem = "a record of an unannounced topic" if topic is None else "a record too short"
            yield Step(message.end_bytes, place, problem=problem)
            return
        values = {name: value for name, value in decoded.items() if value is not None}
        if len(values) < len(decoded):
            yield Step(message.offset_bytes, place, note=NOT_FINITE)
        stamp_us, note = self._stamp(values.get(STAMP_FIELD))
        events = self._events(topic, record, values, self._time_ns(stamp_us))
        yield self._step_or_problem(message.end_bytes, place, events, note)

    def _stamp(self, value: object) -> tuple[int, str | None]:
        """A record's time in microseconds since boot, or the latest one and a note."""
        if isinstance(value, str) and value.isdecimal():  # Integers beyond 2^53 are texts.
            value = int(value)
        if not isinstance(value, int) or value <= 0:
            return self._last_us, NO_STAMP
        return (value, None) if self._can_be(value) else (self._last_us, FAR_STAMP)

    def _can_be(self, stamp_us: int) -> bool:
        return (self._epoch_ns or 0) + stamp_us * NS_PER_US <= timestamps.NS_MAX

    def _step_or_problem(
        self, end_bytes: int, place: str, events: Iterator[Event], note: str | None = None
    ) -> Step:
        try:
            return event_step(end_bytes, place, events, note)
        except (EnvelopeError, TimestampError, ValueError) as error:
            return Step(end_bytes, place, problem=str(error))

    def _time_ns(self, stamp_us: int) -> int:
        # A topic that is repeatedly written with an old time must not turn the clock back.
        if stamp_us > self._last_us and self._can_be(stamp_us):
            self._last_us = stamp_us
            self._dropouts.clear()
        return (self._epoch_ns or 0) + stamp_us * NS_PER_US

    def _observe_logger(self, stamp_us: int) -> Observation:
        return self._observer.observe(Entity(self._system_id, *LOGGER), self._time_ns(stamp_us))

    def _head(self) -> Iterator[Event]:
        """The metadata before the records: vehicle information and parameters."""
        observation = self._observe_logger(self._definitions.start_us)
        effective_time = timestamps.text(observation.at_ns)
        for kind, found in (
            ("Information", self._definitions.information),
            ("Parameters", self._definitions.parameters),
        ):
            present = {name: value for name, value in found.items() if value is not None}
            if present:
                yield observation.metadata(kind, present, effective_time)

    def _events(
        self, topic: UlogTopic, record: bytes, values: dict[str, object], at_ns: int
    ) -> Iterator[Event]:
        entity = Entity(self._system_id, topic.name, str(topic.instance))
        observation = self._observer.observe(entity, at_ns)
        yield observation.raw(record)
        yield observation.parsed(topic.name, values)
        yield from view_cards.view_updates(
            self._views, observation, view_cards.topic_cards(topic.name, values)
        )

    def _log_line(self, message: UlogMessage) -> Iterator[Event]:
        """A log line of the autopilot's software."""
        layout = _LOGGED if message.kind == "L" else _TAGGED
        if len(message.data) < layout.size:
            raise ValueError("a logged line too short")
        level, *tag, stamp_us = layout.unpack_from(message.data)
        number = level - ord("0")
        payload = {
            "level": LEVELS[number] if 0 <= number < len(LEVELS) else level,
            "text": message.data[layout.size :].decode("utf-8", "replace"),
            **({"tag": tag[0]} if tag else {}),
        }
        yield self._observe_logger(stamp_us).parsed("Log", payload)

    def _dropout(self, message: UlogMessage) -> Iterator[Event]:
        """Records lost because the card was too slow."""
        if len(message.data) != _DURATION.size:
            raise ValueError("a dropout without its duration")
        (duration_ms,) = _DURATION.unpack(message.data)
        self._dropouts[duration_ms] += 1
        payload = {"durationMs": duration_ms}
        if (
            self._dropouts[duration_ms] > 1
        ):  # It has no time of its own, by which it would differ from the others.
            payload["number"] = self._dropouts[duration_ms]
        yield self._observe_logger(self._last_us).parsed("Dropout", payload)

    def _parameter(self, message: UlogMessage) -> Iterator[Event]:
        """A parameter change during the log."""
        name, value = parse_parameter(message.data)
        yield self._observe_logger(self._last_us).parsed(
            "Parameter", {"name": name, "value": value}
        )
