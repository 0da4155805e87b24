"""InfluxDB exports: a parsed event per line of its line protocol."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nova.recordings import counter
from nova.recordings.arrivals import Arrivals
from nova.recordings.bounded_lines import BoundedLine, bounded_lines
from nova.recordings.line_protocol import LineProtocolError, Point, parse_point
from nova.recordings.recorded_message import MessageEvents, RecordedMessage
from nova.recordings.recording import Step
from nova.sdk.events.observation import Observer

SYSTEM_ID = "influx"
LINE_MAX_BYTES = 1024 * 1024
NO_TAGS = "all"
NO_TIME = "the line has no time; a server would have given it that of its arrival"
TOO_LONG = f"a line of more than {LINE_MAX_BYTES:,} bytes"
CUT = "cut short: the line has no line end"


class InfluxReader:
    """Reads a file of lines; `unit` is that of their times, nanoseconds unless stated."""

    def __init__(
        self,
        path: Path,
        observer: Observer,
        *,
        unit: str = "ns",
        system_id: str | None = None,
        arrivals: Arrivals | None = None,
    ) -> None:
        self._path = path
        self._arrivals = arrivals
        self._unit_ns = counter.UNITS_NS[unit]
        self._events = MessageEvents(observer, system_id or SYSTEM_ID)

    def steps(self) -> Iterator[Step]:
        """A step per line; comments, and the head of an `influxd` export, are skipped."""
        with self._path.open("rb") as file:
            for line in bounded_lines(file, LINE_MAX_BYTES):
                place = f"line {line.number}"
                if line.data is None:
                    yield Step(line.end_bytes, place, problem=TOO_LONG)
                elif line.data.strip() and not line.data.startswith(b"#"):
                    yield self._step(line, line.data, place)

    def _step(self, line: BoundedLine, data: bytes, place: str) -> Step:
        if line.size_bytes == len(data):
            # The last digits of its time may be missing.
            return Step(line.end_bytes, place, problem=CUT)
        try:
            point = parse_point(data.decode())
        except (LineProtocolError, UnicodeDecodeError) as error:
            return Step(line.end_bytes, place, problem=str(error))
        at_ns = self._time_ns(point, line.end_bytes)
        if at_ns is None:
            return Step(line.end_bytes, place, problem=NO_TIME)
        series = (point.measurement, unique_of(point))
        fields = {**point.tags, **point.fields}
        return self._events.step(
            RecordedMessage(line.end_bytes, place, *series, point.measurement, fields, at_ns)
        )

    def _time_ns(self, point: Point, end_bytes: int) -> int | None:
        """The time of a point; without one that of its arrival, as a server would have given it."""
        if point.time is not None:
            return point.time * self._unit_ns
        return None if self._arrivals is None else self._arrivals.time_ns(end_bytes)


def unique_of(point: Point) -> str:
    """The series of a measurement: the values of its tags in the order of their keys."""
    return "/".join(point.tags[key] for key in sorted(point.tags)) or NO_TAGS
