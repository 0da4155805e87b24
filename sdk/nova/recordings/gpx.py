"""GPX tracks: a parsed event and a position for each point of a track that has a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC
from typing import BinaryIO, NamedTuple
from xml.etree.ElementTree import Element, ParseError, iterparse

from nova.recordings.cell_time import iso_ns
from nova.recordings.recorded_message import MessageEvents, RecordedMessage
from nova.recordings.recording import DatedReader, RecordingError, Step
from nova.recordings.view_cards import POSITION, ViewCard
from nova.sdk.errors import TimestampError

POINTS = {"trkpt": "TrackPoint", "wpt": "Waypoint"}
UNITS = {"latitude": "deg", "longitude": "deg", "elevation": "m", "speed": "m/s", "course": "deg"}
NO_TIME = "skipped: a point without a time, as in routes and planned tracks"
FIELDS_MAX = 64
SHOWN_CHARS = 64
_NAMES = {"ele": "elevation"}
_NO_FIELDS = {"time", "extensions", "TrackPointExtension", "link"}


class GpxPoint(NamedTuple):
    """A point with its track's number, from 1 (0 for waypoints), and its own within that."""

    kind: str
    track: int
    number: int
    element: Element


class GpxReader(DatedReader):
    """Reads the tracks and waypoints of a file, element by element."""

    SYSTEM_ID = "gpx"

    def steps(self) -> Iterator[Step]:
        """A step per point. Behind XML that is damaged nothing can be read."""
        events = MessageEvents(self._observer, self._system_id, self._views)
        is_gpx = False
        with self._path.open("rb") as file:
            try:
                for point in _points(file):
                    is_gpx = True
                    if point is not None:
                        yield _step(events, point, file.tell())
            except ParseError as error:
                if not is_gpx:
                    raise RecordingError(f"{self._path} is not GPX: {error}") from None
                place = f"line {error.position[0]}"
                yield Step(file.tell(), place, problem=f"the rest cannot be read: {error}")
        if not is_gpx:
            raise RecordingError(f"{self._path} is XML, but its root is not gpx")


def _points(file: BinaryIO) -> Iterator[GpxPoint | None]:
    """The points in the file's order; None for the root. Elements are dropped once read."""
    open_elements: list[Element] = []
    track = 0
    numbers = {"trkpt": 0, "wpt": 0}
    for event, element in iterparse(file, events=("start", "end")):
        name = _local(element.tag)
        if event == "start":
            open_elements.append(element)
            if len(open_elements) == 1 and name != "gpx":
                return
            if len(open_elements) == 1:
                yield None
            if name == "trk":
                track, numbers["trkpt"] = track + 1, 0
            continue
        open_elements.pop()
        if name in POINTS:
            numbers[name] += 1
            yield GpxPoint(name, track if name == "trkpt" else 0, numbers[name], element)
        if open_elements and name in (*POINTS, "trk", "trkseg", "rte", "rtept", "metadata"):
            open_elements[-1].remove(element)


def _step(events: MessageEvents, point: GpxPoint, end_bytes: int) -> Step:
    where = f"track {point.track}, point" if point.track else "waypoint"
    place = f"{where} {point.number}"
    try:
        fields = _fields(point.element)
        time = next((one.text for one in point.element if _local(one.tag) == "time"), None)
        if time is None:
            return Step(end_bytes, place, note=NO_TIME)
        at_ns = iso_ns(time.strip(), UTC, hint="")  # The standard: UTC, also without a zone.
    except (TimestampError, ValueError) as error:
        return Step(end_bytes, place, problem=str(error))
    entity = ("track", str(point.track)) if point.track else ("waypoints", "0")
    card = ViewCard(POSITION, _position(fields)) if point.track else None
    cards = (card,) if card is not None else ()
    kind = POINTS[point.kind]
    return events.step(
        RecordedMessage(end_bytes, place, *entity, kind, fields, at_ns, units=UNITS, cards=cards)
    )


def _fields(element: Element) -> dict[str, object]:
    """The members of a point, those of extensions by their own names."""
    found: dict[str, object] = {}
    for name, attribute in (("latitude", "lat"), ("longitude", "lon")):
        text = element.get(attribute)
        if text is None:
            raise ValueError(f"a point without {attribute}")
        found[name] = float(text)
        if not math.isfinite(float(text)):
            raise ValueError(f"the {name} {text[:SHOWN_CHARS]!r} is no finite number")
    for part in element.iter():
        name = _local(part.tag)
        text = (part.text or "").strip()
        if part is not element and name not in _NO_FIELDS and text and len(found) < FIELDS_MAX:
            found.setdefault(_NAMES.get(name, name), _value(text))
    return found


def _value(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def _position(fields: dict[str, object]) -> dict[str, object]:
    """What a view has of the fields; NaN and infinity are left out, as they are of those."""
    named = {"latitude": "latitude", "longitude": "longitude", "speed": "speed"}
    named["elevation"] = "altitude"
    data: dict[str, object] = {}
    for name, shown in named.items():
        value = fields.get(name)
        if isinstance(value, float) and math.isfinite(value):
            data[shown] = value
    return data


def _local(tag: str) -> str:
    """The name of an element without its namespace."""
    return tag.rpartition("}")[2]
