"""Opening: options reach the reader that understands them, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdk import timestamps
from sdk.errors import NovaError
from sdk.formats.opening import Options, open_recording
from sdk.observation import Observer
from tests.sdk.formats.reading import everything

CTIM = "ccsds/ccsds_2021_155_14_39_51"


def csv_file(folder: Path) -> Path:
    """A table of one row."""
    path = folder / "table.csv"
    path.write_text("t,x\n1,2\n")
    return path


def test_table_options(tmp_path: Path) -> None:
    """Column, unit, epoch, entity and type."""
    options = Options(
        time_column="t",
        time_unit="ms",
        epoch="2026-01-01T00:00:00Z",
        entity="a/b/c",
        message_type="M",
    )
    (event,) = everything(open_recording(csv_file(tmp_path), Observer("s"), None, options)).events
    assert timestamps.text(event.source_ns) == "2026-01-01T00:00:00.001000000Z"
    assert event.series == ("s", "parsed", "a", "b", "c", "M", "")


def test_packet_and_sentence_options(recordings: Path) -> None:
    """XTCE, root container, time field, epoch, system."""
    options = Options(
        xtce=recordings / "ccsds/ctim_xtce_v1.xml",
        root_container="CCSDSTelemetryPacket",
        time="field:SHCOARSE",
        epoch="1980-01-06T00:00:00Z",
        system="ctim",
    )
    first = next(open_recording(recordings / CTIM, Observer("s"), None, options))
    assert [record.address for record in first.records] == [
        "nova.s.raw.ctim.apid.1.v1",
        "nova.s.parsed.ctim.apid.1.v1",
    ]
    path = recordings / "gps/ais-nmea.log"
    first = next(open_recording(path, Observer("s"), None, Options(system="boat")))
    assert first.records[0].address == "nova.s.raw.boat.GP.GSA.v1"


def test_bus_and_autopilot_options(recordings: Path) -> None:
    """Epoch and system."""
    options = Options(system="craft", epoch="2026-01-01T00:00:00Z")
    path = recordings / "can/logfile_20140914_365495765_can.log"
    first = next(open_recording(path, Observer("s"), None, options))
    assert first.records[0].address == "nova.s.raw.craft.can0.09F80102.v1"
    assert first.source_ns is not None
    assert timestamps.text(first.source_ns).startswith("2070-09-")
    first = next(open_recording(recordings / "ulog/sample.ulg", Observer("s"), None, options))
    assert first.records[0].address == "nova.s.metadata.craft.logger.0.v1"
    assert first.source_ns is not None
    assert timestamps.text(first.source_ns) == "2026-01-01T00:01:52.500176000Z"


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("can", Options(time="cds"), "--time means nothing for can"),
        ("ulog", Options(time_unit="us"), "--time-unit means nothing for ulog"),
        ("csv", Options(time_column="t", view="nothing"), "no manifest has the view 'nothing'"),
        ("nmea", Options(view="telemetry.gps"), "--view means nothing for nmea"),
        ("csv", Options(xtce=Path("x.xml")), "--xtce means nothing for csv"),
        ("jsonl", Options(time_column="t"), "--time-column means nothing for jsonl"),
        ("nmea", Options(entity="a/b/c"), "--entity means nothing for nmea"),
        ("ccsds", Options(message_type="M"), "--message-type means nothing for ccsds"),
        ("ccsds", Options(root_container="X"), "--xtce"),
        ("ccsds", Options(epoch="2026-01-01"), "--epoch"),
        ("ccsds", Options(time="field:X", epoch="2026-01-01T00:00:00Z"), "--xtce"),
        ("csv", Options(time_column="t", entity="a/b"), "SYSTEM/CONTAINER/UNIQUE"),
        (
            "csv",
            Options(time_column="t", time_unit="iso", epoch="2026-01-01T00:00:00Z"),
            "--epoch",
        ),
    ],
)
def test_options_that_make_no_sense(
    tmp_path: Path, name: str, options: Options, reason: str
) -> None:
    """Nothing that was asked for is ignored in silence."""
    with pytest.raises(NovaError, match=reason):
        open_recording(csv_file(tmp_path), Observer("s"), name, options)
