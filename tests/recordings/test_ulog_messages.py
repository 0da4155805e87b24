"""The messages of a ULog file: found by their sizes, and found again behind damage."""

from __future__ import annotations

import struct
from collections import Counter
from pathlib import Path

import pytest

from nova.recordings.ulog_messages import SYNC, UlogDamage, UlogMessage, read_messages

HEAD = b"ULog\x01\x12\x35\x01" + bytes(8)


def message(kind: str, data: bytes) -> bytes:
    """A message as a file holds it."""
    return struct.pack("<HB", len(data), ord(kind)) + data


def flags(*appended: int) -> bytes:
    """The first message of a file that has data appended at these places."""
    offsets = [*appended, 0, 0, 0][:3]
    return message(
        "B", bytes(8) + bytes([bool(appended)]) + bytes(7) + struct.pack("<QQQ", *offsets)
    )


def read(folder: Path, data: bytes) -> list[UlogMessage | UlogDamage]:
    """All messages of a file with this content."""
    path = folder / "log.ulg"
    path.write_bytes(data)
    with path.open("rb") as file:
        return list(read_messages(file, known))


def known(kind: str, data: bytes) -> bool:
    """The log has one topic, of records with two bytes."""
    return kind == "D" and data[:2] == b"\x07\0" and len(data) == 4


def record(number: int) -> bytes:
    """A record of the topic."""
    return message("D", struct.pack("<HH", 7, number))


def kinds(found: list[UlogMessage | UlogDamage]) -> str:
    """The types of messages, `!` for damage."""
    return "".join(one.kind if isinstance(one, UlogMessage) else "!" for one in found)


def test_real_recording(recordings: Path) -> None:
    """64,542 records and 4 dropouts, and the last message ends where the file does."""
    path = recordings / "ulog/sample.ulg"
    with path.open("rb") as file:
        found = [
            one for one in read_messages(file, lambda *_: True) if isinstance(one, UlogMessage)
        ]
    count = Counter(one.kind for one in found)
    assert (count["D"], count["O"], count["L"]) == (64_542, 4, 4)
    assert found[-1].end_bytes == path.stat().st_size


def test_offsets_lead_from_message_to_message(tmp_path: Path) -> None:
    """Each begins where the one before ended, also one of a type that is not known yet."""
    data = HEAD + message("F", b"a:b") + message("Z", b"?") + message("D", b"\0\0")
    first, second, third = read(tmp_path, data)
    assert first == UlogMessage(16, "F", b"a:b")
    assert (second.offset_bytes, third.offset_bytes) == (22, 26)


def test_cut_anywhere(tmp_path: Path) -> None:
    """A file cut within a message says so once, and gives what was whole."""
    whole = HEAD + message("F", b"a:b") + message("D", b"12345")
    for length in range(22, len(whole)):
        found = read(tmp_path, whole[:length])
        assert kinds(found) == ("F" if length == 22 else "F!")
    assert kinds(read(tmp_path, whole)) == "FD"


@pytest.mark.parametrize(
    "garbage",
    [
        b"\0\0D",
        b"\x05\0\xff12345",
        b"\xff\xffD",
        struct.pack("<HB", 60, ord("D")) + b"\x07\0",
        bytes(200_000),
        b"\x04\0D\x09\0ab\x01",
    ],
)
@pytest.mark.parametrize("behind", [record(1), message("S", SYNC) + record(1)])
def test_reading_goes_on_behind_garbage(tmp_path: Path, garbage: bytes, behind: bytes) -> None:
    """Also where a size is damaged and hides what comes next; the place and the count are said."""
    begin = HEAD + message("F", b"a:b") + record(0)
    found = read(tmp_path, begin + garbage + behind + record(2) + record(3))
    assert kinds(found).replace("S", "") == "FD!DDD"
    (damage,) = [one for one in found if isinstance(one, UlogDamage)]
    assert (damage.offset_bytes, damage.end_bytes) == (len(begin), len(begin + garbage))
    assert f"{len(garbage)} bytes skipped" in damage.reason


def test_a_damaged_header_costs_its_record_only(tmp_path: Path) -> None:
    """Whichever of its bytes is wrong, and however."""
    whole = HEAD + b"".join(record(number) for number in range(40))
    place = len(HEAD) + 10 * len(record(0))
    for at in range(5):
        for flip in (1, 0x80, 0xFF):
            data = bytearray(whole)
            data[place + at] ^= flip
            found = read(tmp_path, bytes(data))
            good = [one for one in found if isinstance(one, UlogMessage) and known(*one[1:])]
            assert len(good) == 39, (at, flip)
            assert len(found) == 40


@pytest.mark.parametrize("left", range(1, 7))
@pytest.mark.parametrize("behind", [record(9), message("S", SYNC), message("O", b"\x05\0")])
def test_a_cut_record_is_not_filled_up(tmp_path: Path, left: int, behind: bytes) -> None:
    """Before, it took the begin of the next message for its own end, and both were lost."""
    begin = HEAD + record(0)
    for cuts in (1, 2):
        data = begin + record(7)[:left] * cuts + behind + record(1) + record(2)
        found = read(tmp_path, data)
        assert kinds(found).replace("!!", "!") == f"D!{chr(behind[2])}DD"
        damage = [one for one in found if isinstance(one, UlogDamage)]
        assert damage[0].offset_bytes == len(begin)
        assert damage[-1].end_bytes == len(begin) + left * cuts


def test_a_record_before_garbage_is_whole(tmp_path: Path) -> None:
    """That nothing follows it is no reason to lose it."""
    for garbage in (b"\xff", bytes(60), b"\x04\0D\x09"):
        assert kinds(read(tmp_path, HEAD + record(0) + garbage + record(1) + record(2))) == "D!DD"


def test_appended_data(tmp_path: Path) -> None:
    """What a crash cut off before the appended part is no damage."""
    before = HEAD + flags(1) + record(1) + record(2)[:5]
    data = HEAD + flags(len(before)) + before[len(HEAD + flags(1)) :] + record(3)
    assert kinds(read(tmp_path, data)) == "BDD"
    assert kinds(read(tmp_path, data[:-1])) == "BDD"[:2] + "!"


def test_appended_data_that_cannot_be(tmp_path: Path) -> None:
    """A place beyond the end of the file."""
    damage, *rest = read(tmp_path, HEAD + flags(10_000) + message("D", b"12"))
    assert kinds(rest) == "BD"
    assert isinstance(damage, UlogDamage)
    assert "10000" in damage.reason
