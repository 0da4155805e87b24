"""Where packets say their time: the options, and what they make of fields."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.recordings.packet_time import Fraction, TimeSource
from nova.recordings.packets import Packet
from nova.recordings.recording import RecordingError
from nova.recordings.xtce import XtceDefinition
from nova.sdk import timestamps
from tests.recordings.packet_files import housekeeping, packet, xtce_file

EPOCH = timestamps.parse("1980-01-06T00:00:00Z")


@pytest.mark.parametrize(
    ("text", "unit", "epoch_ns", "scale", "reason"),
    [
        ("sundial", "s", None, None, "not one of cds"),
        ("field:", "s", EPOCH, None, "not one of cds"),
        ("field:X+", "s", EPOCH, None, "not one of cds"),
        ("field:X", "s", None, None, "--epoch"),
        ("field:X", "iso", EPOCH, None, "--time-unit"),
        ("field:X+Y:99", "s", EPOCH, None, "1 to 64 bits"),
        ("cuc:4+2", "s", None, None, "--epoch"),
        ("cuc:9+2", "s", EPOCH, None, "1 to 7 bytes"),
        ("cds", "s", None, "ut1", "--time-scale"),
    ],
)
def test_bad_options_are_refused(
    text: str, unit: str, epoch_ns: int | None, scale: str | None, reason: str
) -> None:
    """Each names the option that is wrong or missing."""
    with pytest.raises(RecordingError, match=reason):
        TimeSource.from_options(text, unit, epoch_ns, scale)


def time_of(folder: Path, text: str, body: bytes, scale: str | None = None) -> str:
    """The time of a packet with SECS and SUB."""
    definition = XtceDefinition(xtce_file(folder, [("SUB", "U16")]))
    source = TimeSource.from_options(text, "s", EPOCH, scale).resolve_fields(definition)
    one = Packet(0, packet(42, 0, body))
    ns = source.time_of(one, definition.decode(one.data))
    assert ns is not None
    return timestamps.text(ns).rstrip("Z").rstrip("0").rstrip(".")


@pytest.mark.parametrize(
    ("text", "scale", "expected"),
    [
        ("field:SECS", None, "2022-03-25T21:43:52"),
        ("field:SECS", "gps", "2022-03-25T21:43:34"),
        ("field:SECS+SUB", None, "2022-03-25T21:43:52.00381469"),
        ("field:SECS+SUB:16", "gps", "2022-03-25T21:43:34.00381469"),
        ("field:SECS+SUB:10", None, "2022-03-25T21:43:52.2441406"),
        ("field:SECS+SUB:ms", None, "2022-03-25T21:43:52.25"),
        ("field:SECS+SUB:us", None, "2022-03-25T21:43:52.00025"),
    ],
)
def test_seconds_and_their_fraction(
    tmp_path: Path, text: str, scale: str | None, expected: str
) -> None:
    """In 1 / 2^bits of a second, by the field's own width if nobody says, or in a unit."""
    body = housekeeping(1_332_279_832) + (250).to_bytes(2)
    assert time_of(tmp_path, text, body, scale).startswith(expected)


def test_fraction_that_is_not_there_is_none(tmp_path: Path) -> None:
    """A packet that ends behind its seconds has their time."""
    assert time_of(tmp_path, "field:SECS+SUB", housekeeping(1)) == "1980-01-06T00:00:01"
    assert Fraction("X", "ms").of_ns("no number") == 0


def test_fields_have_to_be_defined(tmp_path: Path) -> None:
    """Both, and with XTCE: nobody else knows where they are."""
    with pytest.raises(RecordingError, match="--xtce"):
        TimeSource.from_options("field:SECS", "s", EPOCH).resolve_fields(None)
    definition = XtceDefinition(xtce_file(tmp_path, [("SUB", "U16")]))
    for text in ("field:SECX", "field:SECS+SUX"):
        with pytest.raises(RecordingError, match="no parameter"):
            TimeSource.from_options(text, "s", EPOCH).resolve_fields(definition)
