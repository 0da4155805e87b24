"""Equal events of one time are kept a nanosecond apart: frames, messages and points."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.recordings.equal_events import EqualEvents
from nova.recordings.open_recording import open_recording
from nova.recordings.recording_options import RecordingOptions
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity, Observer
from tests.recordings.reading import everything

ENTITY = Entity("can", "can0", "123")


def observed(times_and_data: list[tuple[int, bytes]]) -> list[Event]:
    equal = EqualEvents(Observer("test"))
    return [
        equal.observe(ENTITY, at_ns, lambda one, data=data: one.raw(data))[1]  # type: ignore[misc]
        for at_ns, data in times_and_data
    ]


@pytest.mark.law
@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([b"a", b"b"])), max_size=30))
def test_nothing_is_lost_and_what_is_unequal_keeps_its_time(
    times_and_data: list[tuple[int, bytes]],
) -> None:
    """No two are one event; the first of its kind at a time is moved only by an earlier move."""
    events = observed(times_and_data)
    assert len({one.event_id for one in events}) == len(events)
    assert all(
        one.source_ns >= at_ns for one, (at_ns, _) in zip(events, times_and_data, strict=True)
    )
    if len(set(times_and_data)) == len(times_and_data):
        assert [one.source_ns for one in events] == [at_ns for at_ns, _ in times_and_data]


def test_what_is_remembered_has_a_limit() -> None:
    """An equal event behind more others than that is one with the first."""
    equal = EqualEvents(Observer("test"), remembered_max=2)
    times = [
        equal.observe(ENTITY, at_ns, lambda one: one.raw(b"a"))[0].at_ns for at_ns in (0, 5, 9, 0)
    ]
    assert times == [0, 5, 9, 0]


LOGS = {
    "car.log": "(1700000000.000000) can0 123#11\n",
    "car.asc": "0.5 1 123 Rx d 1 11\n",
    "track.gpx": '<trkpt lat="1" lon="2"><time>2026-01-01T00:00:00Z</time></trkpt>\n',
    "export.lp": "lamp on=true 1700000000000000000\n",
}
HEADS = {
    "car.asc": "date Fri Jul 26 01:20:00.000 PM 2024\nbase hex  timestamps absolute\n",
    "track.gpx": "<gpx><trk><trkseg>\n",
}
ENDS = {"track.gpx": "</trkseg></trk></gpx>\n"}


@pytest.mark.parametrize("name", LOGS)
def test_formats_keep_equal_events(tmp_path: Path, name: str) -> None:
    """Twice the same in a file is two."""
    epoch = "2026-01-01T00:00:00Z" if name == "car.asc" else None
    counts = []
    for times in (1, 3):
        path = tmp_path / name
        path.write_text(HEADS.get(name, "") + LOGS[name] * times + ENDS.get(name, ""))
        found = everything(
            open_recording(path, Observer("test"), None, RecordingOptions(epoch=epoch))
        )
        assert found.problems == []
        assert len(set(found.ids)) == len(found.ids)
        counts.append(found.lanes["raw"] or found.lanes["parsed"])
    assert counts == [1, 3]
