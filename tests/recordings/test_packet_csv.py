"""ccsdspy's CSV definitions beside ccsdspy."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import ccsdspy
import pytest

from nova.recordings.open_recording import open_recording
from nova.recordings.packet_csv import xtce_of
from nova.recordings.recording import RecordingError
from nova.recordings.recording_options import RecordingOptions
from nova.recordings.xtce import XtceDefinition
from nova.sdk.events.envelope import ParsedMessage
from nova.sdk.events.observation import Observer
from tests.recordings.reading import everything

APID = 42
DEFINITION = """name, data_type, bit_length
SECONDS, uint, 32
MODE, uint, 3
SPARE, fill, 5
CURRENT, int, 16
VOLTS, float, 32
DEEP, float, 64
LOAD, "uint(2, 2)", 8
"""
COUNT = 25
EPOCH = "2026-03-01T12:00:00Z"


def packets() -> bytes:
    """Packets of the definition, and of another APID between them."""
    data = b""
    for number in range(COUNT):
        body = struct.pack(">IBhfd", number, number % 8 << 5, -number, number / 3, number / 7)
        body += bytes([number, 1, 2, 3])
        for apid, content in ((APID, body), (APID + 1, bytes(4))):
            head = (apid, 0xC000 | number, len(content) - 1)
            data += struct.pack(">HHH", *head) + content
    return data


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    recording, definition = tmp_path / "hk.bin", tmp_path / "hk.csv"
    recording.write_bytes(packets())
    definition.write_text(DEFINITION)
    return recording, definition


def test_values_are_those_of_ccsdspy(files: tuple[Path, Path]) -> None:
    """Of the packets of the APID; those of another are raw only."""
    recording, definition = files
    options = RecordingOptions(xtce=definition, apid=APID, time="field:SECONDS", epoch=EPOCH)
    found = everything(open_recording(recording, Observer("test"), "ccsds", options))
    rows = [one.envelope.payload for one in found.events if isinstance(one.envelope, ParsedMessage)]
    own = io.BytesIO(ccsdspy.utils.split_by_apid(str(recording))[APID].read())
    expected: Any = ccsdspy.FixedLength.from_file(str(definition)).load(own)
    assert (found.problems, len(rows)) == ([], COUNT)
    for name in ("SECONDS", "MODE", "CURRENT", "DEEP"):
        assert [row[name] for row in rows] == expected[name].tolist()
    volts = [struct.unpack(">f", struct.pack(">f", row["VOLTS"]))[0] for row in rows]
    assert volts == expected["VOLTS"].tolist()
    loads = [[row[f"LOAD[{number}]"] for number in range(4)] for row in rows]
    assert loads == expected["LOAD"].reshape(COUNT, 4).tolist()
    assert found.lanes["raw"] == 2 * COUNT
    assert {one.series.message_type for one in found.events if one.series.lane == "parsed"} == {
        "hk"
    }


def test_offsets_leave_gaps(tmp_path: Path) -> None:
    """A field at a bit further on has fill before it."""
    path = tmp_path / "hk.csv"
    path.write_text("name,data_type,bit_length,bit_offset\nA,uint,8,48\nB,uint,8,64\n")
    packet = struct.pack(">HHHBBB", APID, 0xC000, 2, 7, 99, 8)
    decoded = XtceDefinition(path, apid=APID).decode(packet)
    assert decoded is not None
    assert (decoded.fields["A"], decoded.fields["B"], decoded.fields["fill_56"]) == (7, 8, "63")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name,bits\nA,8\n",
        "name,data_type,bit_length\n",
        "name,data_type,bit_length\nA,complex,8\n",
        "name,data_type,bit_length\nA,uint,eight\n",
        "name,data_type,bit_length\nA,uint,0\n",
        "name,data_type,bit_length\nA,float,16\n",
        "name,data_type,bit_length\nA,uint(expand),8\n",
        "name,data_type,bit_length\nA,uint,8\nA,uint,8\n",
        "name,data_type,bit_length,bit_offset\nA,uint,8,40\n",
        'name,data_type,bit_length\nA,"uint(9999,9999)",8\n',
    ],
    ids=range(11),
)
def test_what_is_no_definition_is_one_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hk.csv"
    path.write_text(text)
    with pytest.raises(RecordingError, match=r"hk\.csv"):
        XtceDefinition(path, apid=APID)


def test_a_definition_is_of_one_apid(files: tuple[Path, Path]) -> None:
    """Nothing in it says which, and packets of others would be decoded wrongly."""
    with pytest.raises(RecordingError, match="--apid"):
        xtce_of(files[1], None)
