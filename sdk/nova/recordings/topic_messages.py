"""Messages of topics, as MCAP files and ROS bags hold them: a raw and a parsed event each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from nova.recordings.message_schema import Decode, decoder_of
from nova.recordings.recorded_message import MessageEvents, RecordedMessage
from nova.recordings.recording import RecordingError, Step, undated_error
from nova.recordings.view_cards import POSITION, ViewCard
from nova.sdk.timestamps import NS_PER_SECOND

CONTAINER_ID = "topic"
RAW_MAX_BYTES = 512 * 1024
"""The largest message whose bytes are published: base64 adds a third, and an envelope has 1 MiB."""
ABSOLUTE_FROM_NS = 365 * 24 * 3600 * NS_PER_SECOND
"""Times below one year count from the start of a simulation, not from 1970."""
TOO_LARGE = "a message of more than 512 KiB is published without its bytes"
HEADER, LOG = "header", "log"
TIMES = (LOG, HEADER)
NO_HEADER = "no header with a time of its own: the message gets the time at which it was recorded"
UNDATED = "it counts from a start, not from 1970; give --epoch"
UNDATED_MAX = 1000
"""Messages after which a recording counts from a start, if none of them has a date."""
NO_FIX = -1


class Topic(NamedTuple):
    """A topic with the schema of its messages."""

    name: str
    encoding: str
    schema_name: str
    schema_encoding: str
    schema: bytes


class TopicMessage(NamedTuple):
    """A message of a topic with the time at which it was recorded."""

    end_bytes: int
    topic: Topic
    log_ns: int
    data: bytes


class TopicEvents:
    """Makes steps of messages; `time` says whether headers date them. Times that count from 0
    count from `epoch_ns`.
    """

    def __init__(
        self, path: Path, events: MessageEvents, time: str | None, epoch_ns: int | None
    ) -> None:
        if time not in (None, *TIMES):
            raise RecordingError(f"--time {time} is not one of {', '.join(TIMES)}")
        self._path = path
        self._events = events
        self._is_by_header = time == HEADER
        self._epoch_ns = epoch_ns
        self._decoders: dict[Topic, Decode | str] = {}
        self._counts: dict[str, int] = {}
        self._is_dated = epoch_ns is not None
        self._undated: list[Step] = []

    def step(self, found: TopicMessage) -> Iterator[Step]:
        """The step of a message, behind the notes on it."""
        topic = found.topic
        number = self._counts[topic.name] = self._counts.get(topic.name, 0) + 1
        place = f"message {number} of {topic.name}"
        fields, problem = self._decoded(topic, found.data)
        at_ns, note = self._time(fields, found.log_ns)
        if at_ns < ABSOLUTE_FROM_NS and self._epoch_ns is None:
            undated = Step(found.end_bytes, place, problem=f"its time is {at_ns} ns: {UNDATED}")
            yield from self._undated_steps(undated)
            return
        yield from self._dated_steps(found.end_bytes)
        if len(found.data) > RAW_MAX_BYTES:
            yield Step(found.end_bytes, place, note=TOO_LARGE)
        if problem is not None:
            yield Step(found.end_bytes, place, note=f"raw only: {problem}")
        yield self._events.step(
            RecordedMessage(
                found.end_bytes,
                place,
                CONTAINER_ID,
                topic.name,
                topic.schema_name or "Message",
                fields,
                at_ns,
                frame=found.data if len(found.data) <= RAW_MAX_BYTES else None,
                cards=_cards(topic.schema_name, fields),
                is_parsed=problem is None,
            ),
            note,
        )

    def _decoded(self, topic: Topic, data: bytes) -> tuple[Mapping[str, object], str | None]:
        """The fields of a message, or why it has none."""
        decode = self._decoders.get(topic)
        if decode is None:
            try:
                decode = decoder_of(*topic[1:])
            except ValueError as error:
                decode = str(error)
            self._decoders[topic] = decode
        if isinstance(decode, str):
            return {}, decode
        try:
            return decode(data), None
        except Exception:  # The libraries raise various errors for damaged data.
            return {}, f"its bytes are no {topic.schema_name or topic.encoding}"

    def _time(self, fields: Mapping[str, object], log_ns: int) -> tuple[int, str | None]:
        """The time of a message as it says it, or from the epoch if that counts from 0; a note."""
        note, at_ns = None, log_ns
        if self._is_by_header:
            stamp_ns = header_ns(fields)
            note = NO_HEADER if stamp_ns is None else None
            at_ns = log_ns if stamp_ns is None else stamp_ns
        is_relative = at_ns < ABSOLUTE_FROM_NS and self._epoch_ns is not None
        return at_ns + (self._epoch_ns or 0) * is_relative, note

    def _undated_steps(self, undated: Step) -> Iterator[Step]:
        """The problem of a message without a date, once another message has one."""
        if self._is_dated:
            yield undated
            return
        self._undated.append(undated)
        if len(self._undated) == UNDATED_MAX:
            self.end()

    def _dated_steps(self, end_bytes: int) -> Iterator[Step]:
        self._is_dated = True
        held, self._undated = self._undated, []
        for one in held:
            yield replace(one, offset_bytes=end_bytes)

    def end(self) -> None:
        """Raises RecordingError if there are messages, and none has a date."""
        if self._undated:
            first = self._undated[0]
            raise undated_error(self._path, f"of {first.place} {first.problem}")


def header_ns(fields: Mapping[str, object]) -> int | None:
    """The `stamp` of a ROS header in ns; None if there is none, or if it was left at 0."""
    header = fields.get("header")
    stamp = header.get("stamp") if isinstance(header, Mapping) else None
    if not isinstance(stamp, Mapping):
        return None
    seconds, nanoseconds = stamp.get("sec"), stamp.get("nanosec")
    if not isinstance(seconds, int) or not isinstance(nanoseconds, int):
        return None
    return seconds * NS_PER_SECOND + nanoseconds or None


def _cards(schema_name: str, fields: Mapping[str, object]) -> Iterator[ViewCard]:
    """The position of a ROS receiver that has a fix."""
    status = fields.get("status")
    has_fix = isinstance(status, Mapping) and status.get("status") != NO_FIX
    if schema_name.endswith("NavSatFix") and has_fix:
        names = ("latitude", "longitude", "altitude")
        data = {name: fields[name] for name in names if isinstance(fields.get(name), float)}
        if all(value == value for value in data.values()):
            yield ViewCard(POSITION, data)
