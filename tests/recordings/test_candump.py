"""Lines of CAN logs, and the bytes that captures hold of their frames."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from nova.recordings.candump import ERROR_FLAG, CanFrame, other_log_format, parse_frame
from nova.sdk.optional_imports import import_optional


def test_a_frame_with_a_long_id() -> None:
    """29 bits of id, eight of data; packed as a capture with the flag of such ids."""
    found = parse_frame(b"(1410714882.622188) can0 09F80102#36729A16021AB80D\r\n")
    assert found == CanFrame(
        "1410714882.622188", "can0", "09F80102", bytes.fromhex("36729A16021AB80D")
    )
    assert found.packed().hex() == "89f80102" + "08000000" + "36729a16021ab80d"


def test_short_remote_and_fd_frames() -> None:
    """11 bits of id, a request for data, a direction behind, and CAN FD with its flags."""
    short = parse_frame(b"(0.5) vcan_1 1a3#00 T")
    assert short == CanFrame("0.5", "vcan_1", "1A3", b"\x00")
    assert short.packed().hex() == "000001a3" + "01000000" + "00"
    remote = parse_frame(b"(0.5) can0 123#R")
    assert remote is not None
    assert remote.packed().hex() == "40000123" + "00000000"
    fd = parse_frame(b"(0.5) can0 00000123##3" + b"AB" * 12)
    assert fd is not None
    assert fd.packed().hex() == "80000123" + "0c070000" + "ab" * 12


def test_an_error_of_the_interface() -> None:
    """Its id has eight digits and not 29 bits: before, it had the flag of such ids."""
    error = parse_frame(b"(1.0) can0 20000004#0008000000000000")
    assert error is not None and error.error and not error.extended
    assert error.packed().hex() == "20000004" + "08000000" + "0008000000000000"


def test_a_remote_frame_asks_for_a_length() -> None:
    """Before, the length was lost."""
    remote = parse_frame(b"(1.0) can0 12345678#R4")
    assert remote is not None and remote.extended
    assert remote.packed().hex() == "d2345678" + "04000000"


def test_a_code_beyond_eight_bytes() -> None:
    """Some controllers send eight bytes under a code of 9 to 15."""
    found = parse_frame(b"(1.0) can0 123#1122334455667788_E")
    assert found is not None
    assert found.packed().hex() == "00000123" + "0800000e" + "1122334455667788"
    assert parse_frame(b"(1.0) can0 123#11_E") is None


def test_frames_beside_python_can(tmp_path: Path) -> None:
    """Ids, kinds, lengths and data as another reader of such logs has them.

    That one knows errors only by the class of bus errors (0x80); SocketCAN's flag alone says it.
    """
    generator = random.Random(15)
    texts = []
    for number in range(500):
        data = generator.randbytes(generator.randint(0, 8)).hex().upper()
        can_id = generator.choice(
            [
                f"{generator.randrange(0x800):03X}",
                f"{generator.randrange(0x2000_0000):08X}",
                f"{0x2000_0080 | generator.randrange(0x200):08X}",
            ]
        )
        body = generator.choice([f"#{data}", f"#R{generator.randint(1, 8)}", f"##{1}{data}"])
        is_error = int(can_id, 16) & ERROR_FLAG
        texts.append(f"({number}.5) can0 {can_id}{f'#{data}' if is_error else body}")
    path = tmp_path / "bus.log"
    path.write_text("\n".join(texts) + "\n")
    theirs = list(import_optional("can").CanutilsLogReader(str(path)))
    assert len(theirs) == len(texts)
    for text, other in zip(texts, theirs, strict=True):
        ours = parse_frame(text.encode())
        assert ours is not None
        assert ours.error == other.is_error_frame, text
        if ours.error:
            continue  # The other leaves the data of errors out.
        assert int(ours.id, 16) == other.arbitration_id, text
        assert ours.extended == other.is_extended_id, text
        assert ours.remote == other.is_remote_frame, text
        assert (ours.fd_flags is not None) == other.is_fd, text
        assert ours.data == bytes(other.data), text
        assert not ours.remote or ours.length == other.dlc, text


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b" (1722000000.000000)  vcan0  123   [4]  DE AD BE EF\n", "candump -l"),
        (b"  vcan0  20000004   [8]  00 08 00 00 00 00 00 00   ERRORFRAME\n", "candump -l"),
        (b"  can0  RX - -  123   [4]  DE AD BE EF\n", "candump -l"),
    ],
)
def test_other_logs_are_known(head: bytes, words: str) -> None:
    """So that one error says what to do, instead of one a line."""
    assert words in (other_log_format(head) or "")
    assert other_log_format(b"(1.0) can0 123#00\n# text\n") is None


@pytest.mark.parametrize(
    "line",
    [
        "(1.0) can0 40000000#00",
        "(1.0) can0 FFF#00",
        "(1.0) can0 123#R9",
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
    assert parse_frame(line.encode()) is None
