"""InfluxDB's line protocol beside line-protocol-parser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from line_protocol_parser import parse_line

from nova.recordings.influx import CUT, NO_TIME, InfluxReader
from nova.recordings.line_protocol import LineProtocolError, parse_point
from nova.recordings.open_recording import open_recording
from nova.recordings.recording import RecordingError, Step
from nova.recordings.recording_options import RecordingOptions
from nova.sdk.events.envelope import ParsedMessage
from nova.sdk.events.observation import Observer
from tests.recordings.mutation import survive
from tests.recordings.reading import everything

AT = 1_722_000_000_000_000_123
LINES = (
    f"weather,location=us-midwest temperature=82,humidity=71i {AT}",
    f'weather,location=us\\,mid\\ west,sensor=a\\=b note="too \\"warm\\", 5\\\\6" {AT + 1}',
    f"my\\ measure,tag=x a=t,b=F,c=true,d=-1.5e3,e=12345u {AT + 2}",
    f"plain value=3.25 {AT + 3}",
    f'ünits,größe=ß text="°C, = and spaces" {AT + 4}',
)


def read(path: Path, unit: str = "ns") -> Iterator[Step]:
    return InfluxReader(path, Observer("test"), unit=unit).steps()


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "export.lp"
    path.write_text("# DML\n" + "\n".join(LINES) + "\n")
    return path


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_a_point_is_that_of_the_library(line: str) -> None:
    expected = parse_line(line)
    point = parse_point(line)
    assert point._asdict() == {**expected, "time": expected["time"]}
    kinds = {name: type(one) for name, one in point.fields.items()}
    assert kinds == {name: type(one) for name, one in expected["fields"].items()}


def test_each_line_is_an_event(export: Path) -> None:
    """Tags are fields too; each set of tags is an entity."""
    found = everything(read(export))
    assert (found.problems, found.lanes) == ([], {"parsed": len(LINES)})
    assert [one.source_ns for one in found.events] == [AT + number for number in range(len(LINES))]
    payloads = [
        one.envelope.payload for one in found.events if isinstance(one.envelope, ParsedMessage)
    ]
    for line, payload in zip(LINES, payloads, strict=True):
        expected = parse_line(line)
        assert payload == {**expected["tags"], **expected["fields"]}
    assert found.events[0].series[1:5] == ("parsed", "influx", "weather", "us-midwest")
    assert found.ids == everything(read(export)).ids


def test_the_unit_of_the_times_is_an_option(tmp_path: Path) -> None:
    """Exports of other precisions are common, and nothing in them says so."""
    path = tmp_path / "export.lp"
    path.write_text("cpu load=1 1722000000\n")
    steps = open_recording(path, Observer("test"), None, RecordingOptions(time_unit="s"))
    assert everything(steps).events[0].source_ns == 1_722_000_000 * 10**9
    with pytest.raises(RecordingError, match="--time-unit iso"):
        open_recording(path, Observer("test"), None, RecordingOptions(time_unit="iso"))


def test_faults_cost_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "export.lp"
    path.write_text(
        "cpu load=1\ncpu load=one 5\ncpu\nx" + "y" * 2_000_000 + f"\n{LINES[0]}\ncpu load=1 17"
    )
    found = everything(read(path))
    assert found.lanes == {"parsed": 1}
    assert [one.split(":")[0] for one in found.problems] == [f"line {n}" for n in (1, 2, 3, 4, 6)]
    assert NO_TIME in found.problems[0]
    assert CUT in found.problems[-1]


@pytest.mark.parametrize(
    "line", ["", ",a=1 b=2 3", "m,a= b=2 3", "m a=1, 3", 'm a="x 3', "m a=1 b=2"]
)
def test_what_is_not_of_the_protocol(line: str) -> None:
    with pytest.raises(LineProtocolError):
        parse_point(line)


def test_damaged_files_end(export: Path) -> None:
    survive(export, read, 200)
