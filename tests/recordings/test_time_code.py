"""Times in secondary headers, beside `spacepackets` where it knows the form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.recordings import cds
from nova.recordings.recording import RecordingError
from nova.recordings.time_code import CDS, CodedTime, TimeCode, parse_time_code
from nova.sdk import timestamps
from nova.sdk.optional_imports import import_optional

EPOCH_NS = timestamps.parse("2000-01-01T00:00:00Z")
BEGIN_1958_NS = timestamps.parse("1958-01-01T00:00:00Z")
SECOND_5 = EPOCH_NS + 5_500_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cds", CDS),
        ("cds:3+4", TimeCode("cds", 3, 4)),
        ("cds:2+0@4", TimeCode("cds", 2, 0, 4)),
        ("cds:p", TimeCode("cds", 0, 0, has_p_field=True)),
        ("cuc", TimeCode("cuc", 0, 0, has_p_field=True)),
        ("cuc:p@7", TimeCode("cuc", 0, 0, 7, has_p_field=True)),
        ("cuc:4+2", TimeCode("cuc", 4, 2)),
        ("cuc:4+0@7", TimeCode("cuc", 4, 0, 7)),
        ("field:X", None),
        ("cuc:4", None),
        ("cuc:4+2@", None),
        ("CDS", None),
    ],
)
def test_texts(text: str, expected: TimeCode | None) -> None:
    """What `--time` and a device's `time` may say."""
    assert parse_time_code(text) == expected


@pytest.mark.parametrize("text", ["cds:4+2", "cds:2+3", "cuc:0+4", "cuc:8+0"])
def test_widths_that_no_code_has(text: str) -> None:
    """One clear error each."""
    with pytest.raises(RecordingError, match="bytes"):
        parse_time_code(text)


@pytest.mark.parametrize(
    ("text", "data", "epoch_ns", "expected"),
    [
        ("cuc:4+2", "000000058000", EPOCH_NS, CodedTime(SECOND_5)),
        ("cuc:4+0", "00000005", EPOCH_NS, CodedTime(SECOND_5 - 500_000_000)),
        ("cuc:4+2@2", "ffff000000058000", EPOCH_NS, CodedTime(SECOND_5)),
        ("cuc:4+2", "0000000580", EPOCH_NS, None),
        ("cuc", "2e000000058000", EPOCH_NS, CodedTime(SECOND_5)),
        ("cuc", "1e000000058000", EPOCH_NS, CodedTime(SECOND_5 - EPOCH_NS + BEGIN_1958_NS, "tai")),
        ("cds:p", "41000000000007000a", EPOCH_NS, CodedTime(BEGIN_1958_NS + 7_010_000)),
        ("cuc", "2e000000058000", None, None),
        ("cuc", "1e000000000000", None, CodedTime(cds.decode(bytes(8)) or 0, "tai")),
        ("cuc", "af2400000000058000000000", EPOCH_NS, CodedTime(SECOND_5)),
        ("cuc", "4e000000058000", EPOCH_NS, None),
        ("cuc", "", EPOCH_NS, None),
        ("cds:2+0", "5a4500000007", None, CodedTime(timestamps.parse("2021-04-09T00:00:00.007Z"))),
        ("cds:3+4", "005a45000000073b9aca00", None, None),
        (
            "cds:3+4",
            "005a4500000007082a7440",
            None,
            CodedTime(timestamps.parse("2021-04-09T00:00:00.007137Z")),
        ),
        (
            "cds:p",
            "415a45000000070089",
            None,
            CodedTime(timestamps.parse("2021-04-09T00:00:00.007137Z")),
        ),
        ("cds:p", "49000000000007", None, None),
        ("cds:p", "4800000000015e", EPOCH_NS, CodedTime(EPOCH_NS + 350_000_000)),
    ],
)
def test_times(text: str, data: str, epoch_ns: int | None, expected: CodedTime | None) -> None:
    """With and without P-field, from 1958 or another epoch; None where there cannot be one."""
    code = parse_time_code(text)
    assert code is not None
    assert code.read(bytes.fromhex(data), epoch_ns) == expected


@given(st.integers(4383, 65535), st.integers(0, 86_399_999), st.integers(0, 999))
def test_cds_beside_spacepackets(days: int, milliseconds: int, microseconds: int) -> None:
    """The same instant as an independent library gives, to its millisecond.

    From 1970 on: before, it takes the milliseconds away from the day instead of adding them.
    """
    data = days.to_bytes(2) + milliseconds.to_bytes(4) + microseconds.to_bytes(2)
    reading = CDS.read(data, None)
    assert reading is not None
    assert reading.ns == cds.decode(data)
    short = import_optional("spacepackets.ccsds.time").CdsShortTimestamp(days, milliseconds)
    milli = parse_time_code("cds:2+0")
    assert milli is not None
    told = milli.read(data, None)
    assert told is not None
    assert abs(told.ns / 10**9 - short.as_unix_seconds()) < 1e-3
