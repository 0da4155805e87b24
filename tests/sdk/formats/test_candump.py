"""Lines of CAN logs, and the bytes that captures hold of their frames."""

from __future__ import annotations

import pytest

from sdk.formats.candump import CanFrame, frame


def test_a_frame_with_a_long_id() -> None:
    """29 bits of id, eight of data; packed as a capture with the flag of such ids."""
    found = frame(b"(1410714882.622188) can0 09F80102#36729A16021AB80D\r\n")
    assert found == CanFrame(
        "1410714882.622188", "can0", "09F80102", bytes.fromhex("36729A16021AB80D")
    )
    assert found.packed().hex() == "89f80102" + "08000000" + "36729a16021ab80d"


def test_short_remote_and_fd_frames() -> None:
    """11 bits of id, a request for data, a direction behind, and CAN FD with its flags."""
    short = frame(b"(0.5) vcan_1 1a3#00 T")
    assert short == CanFrame("0.5", "vcan_1", "1A3", b"\x00")
    assert short.packed().hex() == "000001a3" + "01000000" + "00"
    remote = frame(b"(0.5) can0 123#R")
    assert remote is not None
    assert remote.packed().hex() == "40000123" + "00000000"
    fd = frame(b"(0.5) can0 00000123##3" + b"AB" * 12)
    assert fd is not None
    assert fd.packed().hex() == "80000123" + "0c070000" + "ab" * 12


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# header",
        "(1410714882.622188) can0 09F80102#36729A1",
        "(1410714882.622188) can0 09F8#36",
        "(1410714882.622188) can0",
        "(x) can0 123#00",
        "(1.0) can 0 123#00",
        "(1.0) can0 123#" + "00" * 9,
        "(1.0) can0 123##0" + "00" * 65,
        "(1.0) can0 123#00 and more",
        "(1.0) can\N{ARABIC-INDIC DIGIT ONE} 123#00",
    ],
)
def test_what_is_no_frame(line: str) -> None:
    """Half bytes, ids of another length, too much data, or words."""
    assert frame(line.encode()) is None
