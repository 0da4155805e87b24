"""Opening: options reach the reader that understands them, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.recordings.open_recording import open_recording
from nova.recordings.recording_options import RecordingOptions
from nova.sdk import timestamps
from nova.sdk.errors import NovaError
from nova.sdk.events.observation import Observer
from tests.recordings.reading import everything


def csv_file(folder: Path) -> Path:
    """A table of one row."""
    path = folder / "table.csv"
    path.write_text("t,x\n1,2\n")
    return path


def test_table_options(tmp_path: Path) -> None:
    """Column, unit, epoch, entity and type."""
    options = RecordingOptions(
        time_column="t",
        time_unit="ms",
        epoch="2026-01-01T00:00:00Z",
        entity="a/b/c",
        message_type="M",
    )
    (event,) = everything(open_recording(csv_file(tmp_path), Observer("s"), None, options)).events
    assert timestamps.text(event.source_ns) == "2026-01-01T00:00:00.001000000Z"
    assert event.series == ("s", "parsed", "a", "b", "c", "M", "")


def first_address(path: Path, options: RecordingOptions) -> tuple[str | None, str]:
    """Where the first record goes, and when it was."""
    steps = open_recording(path, Observer("s"), None, options)
    first = next(step for step in steps if step.records)
    assert first.source_ns is not None
    return first.records[0].address, timestamps.text(first.source_ns)


def test_packet_and_sentence_options(made: Path) -> None:
    """XTCE, root container, time field, epoch, system."""
    options = RecordingOptions(
        xtce=made / "counter.xml",
        root_container="Telemetry",
        time="field:SHCOARSE",
        epoch="1980-01-06T00:00:00Z",
        system="craft",
    )
    first = next(open_recording(made / "counter", Observer("s"), None, options))
    assert [record.address for record in first.records] == [
        "nova.s.raw.craft.apid.20.v1",
        "nova.s.metadata.craft.apid.20.v1",
        "nova.s.parsed.craft.apid.20.v1",
    ]
    address, _ = first_address(made / "boat.log", RecordingOptions(system="boat"))
    assert address == "nova.s.raw.boat.GP.RMC.v1"


def test_bus_and_autopilot_options(made: Path) -> None:
    """Epoch and system."""
    options = RecordingOptions(system="craft", epoch="2026-01-01T00:00:00Z")
    address, at = first_address(made / "bus.log", options)
    assert address == "nova.s.raw.craft.can0.09F80102.v1"
    assert at.startswith("2026-03-01"), "absolute stamps are kept"
    _, at = first_address(made / "drone.ulg", options)
    assert at == "2026-01-01T00:00:05.000000000Z"


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("can", RecordingOptions(time="cds"), "--time does not apply to can"),
        ("ulog", RecordingOptions(time_unit="us"), "--time-unit does not apply to ulog"),
        (
            "csv",
            RecordingOptions(time_column="t", view="nothing"),
            "no manifest has the view 'nothing'",
        ),
        ("nmea", RecordingOptions(view="telemetry.gps"), "--view does not apply to nmea"),
        ("csv", RecordingOptions(xtce=Path("x.xml")), "--xtce does not apply to csv"),
        ("jsonl", RecordingOptions(time_column="t"), "--time-column does not apply to jsonl"),
        ("nmea", RecordingOptions(entity="a/b/c"), "--entity does not apply to nmea"),
        ("ccsds", RecordingOptions(message_type="M"), "--message-type does not apply to ccsds"),
        ("ccsds", RecordingOptions(root_container="X"), "--xtce"),
        (
            "ccsds",
            RecordingOptions(time="cds", time_unit="ms"),
            "--time-unit applies to counters in fields",
        ),
        ("ccsds", RecordingOptions(time="cuc:4+2"), "--epoch"),
        ("nmea", RecordingOptions(time_scale="gps"), "--time-scale does not apply to nmea"),
        ("ccsds", RecordingOptions(epoch="2026-01-01"), "--epoch"),
        ("ccsds", RecordingOptions(time="field:X", epoch="2026-01-01T00:00:00Z"), "--xtce"),
        ("csv", RecordingOptions(time_column="t", entity="a/b"), "SYSTEM/CONTAINER/UNIQUE"),
        (
            "csv",
            RecordingOptions(time_column="t", time_unit="iso", epoch="2026-01-01T00:00:00Z"),
            "--epoch",
        ),
    ],
)
def test_options_that_make_no_sense(
    tmp_path: Path, name: str, options: RecordingOptions, reason: str
) -> None:
    """Nothing that was asked for is ignored in silence."""
    with pytest.raises(NovaError, match=reason):
        open_recording(csv_file(tmp_path), Observer("s"), name, options)
