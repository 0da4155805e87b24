"""Housekeeping frames are packets that others can read."""

from __future__ import annotations

import struct
from pathlib import Path

from nova.hardware.simulator.frame import SEQUENCE_MASK, frame
from nova.recordings.ccsds import CcsdsReader
from nova.sdk import timestamps
from nova.sdk.events.envelope import RawFrame
from nova.sdk.events.observation import Observer
from tests.recordings.reading import everything

NOON = timestamps.parse("2026-11-01T12:00:00.123456Z")


def test_frames_are_a_recording_of_their_own(tmp_path: Path) -> None:
    """Back to back in a file, they come out with their APID, sequence and time."""
    layout = struct.Struct(">2f")
    times = [NOON + second * 10**9 for second in range(3)]
    path = tmp_path / "frames"
    path.write_bytes(b"".join(frame(101, at_ns, layout, 1.5, -2.0)[0] for at_ns in times))
    found = everything(CcsdsReader(path, Observer("s")).steps())
    assert (found.problems, found.notes) == ([], {})
    assert [event.source_ns for event in found.events] == times
    for event, at_ns in zip(found.events, times, strict=True):
        assert event.series.unique_id == "101"
        assert isinstance(event.envelope, RawFrame)
        assert event.envelope.sequence == at_ns // 10**9 & SEQUENCE_MASK
        assert layout.unpack(event.envelope.frame[-8:]) == (1.5, -2.0)
