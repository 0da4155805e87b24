"""GPX tracks beside gpxpy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import gpxpy
import gpxpy.gpx
import pytest

from nova.recordings.format_detection import detect_format
from nova.recordings.gpx import NO_TIME, GpxReader
from nova.recordings.recording import RecordingError, Step
from nova.sdk.events.envelope import ParsedMessage
from nova.sdk.events.observation import Observer
from nova.sdk.producer.view_updates import ViewUpdates
from tests.recordings.mutation import survive
from tests.recordings.reading import everything

START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
HEART = """<extensions><tpx:TrackPointExtension xmlns:tpx="urn:x"><tpx:hr>{}</tpx:hr>
</tpx:TrackPointExtension></extensions>"""


def track_file() -> str:
    """Two tracks of gpxpy, the second in two segments; a waypoint; a point without a time."""
    gpx = gpxpy.gpx.GPX()
    for segments in (1, 2):
        track = gpxpy.gpx.GPXTrack()
        gpx.tracks.append(track)
        for part in range(segments):
            segment = gpxpy.gpx.GPXTrackSegment()
            track.segments.append(segment)
            for number in range(20):
                at = START + timedelta(seconds=number + 100 * part, milliseconds=250)
                place = (52.5 + number * 1e-5, 5.25 - number * 1e-5)
                point = gpxpy.gpx.GPXTrackPoint(*place, elevation=number / 4, time=at)
                segment.points.append(point)
    gpx.tracks[0].segments[0].points[5].time = None
    gpx.waypoints.append(gpxpy.gpx.GPXWaypoint(52.0, 5.0, time=START, name="Home"))
    return str(gpx.to_xml())


def ns_of(time: datetime) -> int:
    """Of a time with milliseconds."""
    return round(time.timestamp() * 1000) * 10**6


def read(path: Path) -> Iterator[Step]:
    observer = Observer("test")
    return GpxReader(path, observer, views=ViewUpdates(observer)).steps()


@pytest.fixture
def ride(tmp_path: Path) -> Path:
    path = tmp_path / "ride"
    path.write_text(track_file())
    return path


def test_points_are_those_of_gpxpy(ride: Path) -> None:
    """Places, elevations and times of every point that has one; the other is a note."""
    found = everything(read(ride))
    assert (found.problems, found.notes) == ([], {NO_TIME: 1})
    told = [
        (one.source_ns, payload["latitude"], payload["longitude"], payload.get("elevation"))
        for one in found.events
        if isinstance(one.envelope, ParsedMessage)
        and one.series.container_id == "track"
        and (payload := one.envelope.payload)
    ]
    library = gpxpy.parse(ride.read_text())
    assert told == [
        (
            round(point.time.timestamp() * 1000) * 10**6,
            point.latitude,
            point.longitude,
            point.elevation,
        )
        for track in library.tracks
        for segment in track.segments
        for point in segment.points
        if point.time is not None
    ]
    assert found.lanes["ui"] > 0
    assert {one.series.unique_id for one in found.events} >= {"0", "1", "2"}
    assert found.ids == everything(read(ride)).ids


def test_extensions_are_fields(tmp_path: Path) -> None:
    """By their own names, as watches write heart rate and cadence."""
    point = f'<trkpt lat="1" lon="2"><time>2026-05-01T06:30:00</time>{HEART.format(150)}</trkpt>'
    path = tmp_path / "ride.gpx"
    path.write_text(
        f'<gpx xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>{point}</trkseg></trk></gpx>'
    )
    first = everything(read(path)).events
    parsed = [one.envelope for one in first if isinstance(one.envelope, ParsedMessage)]
    assert parsed[0].payload["hr"] == 150
    assert first[0].source_ns == int(START.timestamp()) * 10**9  # UTC by the standard


def test_gpx_is_recognized_by_its_root(ride: Path) -> None:
    assert detect_format(ride) == "gpx"


def test_other_xml_is_refused(tmp_path: Path) -> None:
    for text in ("<kml/>", "no XML"):
        path = tmp_path / "other.gpx"
        path.write_text(text)
        with pytest.raises(RecordingError):
            list(read(path))


def test_a_bad_point_costs_itself(ride: Path) -> None:
    text = ride.read_text().replace('lat="52.5001"', 'lat="north"')
    ride.write_text(text)
    found = everything(read(ride))
    assert len(found.problems) == 3
    assert "track 1, point 11" in found.problems[0]


def test_damaged_files_end(ride: Path) -> None:
    survive(ride, read, 150)


@pytest.mark.parametrize("text", ["inf", "-inf", "nan"])
def test_infinity_costs_itself(tmp_path: Path, text: str) -> None:
    """The point keeps its place and its time; a place that is infinite is a problem."""
    path = tmp_path / "track.gpx"
    point = '<trkpt lat="{}" lon="2"><ele>{}</ele><time>2026-01-01T00:00:00Z</time></trkpt>'
    points = point.format(1, text) + point.format(text, 5)
    path.write_text(f"<gpx><trk><trkseg>{points}</trkseg></trk></gpx>")
    observer = Observer("test")
    found = everything(GpxReader(path, observer, views=ViewUpdates(observer)).steps())
    parsed = [one.envelope for one in found.events if isinstance(one.envelope, ParsedMessage)]
    assert [one.payload for one in parsed] == [{"latitude": 1.0, "longitude": 2.0}]
    assert len(found.problems) == 1 and "no finite number" in found.problems[0]
