"""The messages of a ULog file: found by their sizes, up to the place where it breaks off."""

from __future__ import annotations

import struct
from collections import Counter
from pathlib import Path

from sdk.formats.ulog_messages import UlogDamage, UlogMessage, messages

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
        return list(messages(file))


def kinds(found: list[UlogMessage | UlogDamage]) -> str:
    """The types of messages, `!` for damage."""
    return "".join(one.kind if isinstance(one, UlogMessage) else "!" for one in found)


def test_real_recording(recordings: Path) -> None:
    """64,542 records and 4 dropouts, and the last message ends where the file does."""
    path = recordings / "ulog/sample.ulg"
    with path.open("rb") as file:
        found = [one for one in messages(file) if isinstance(one, UlogMessage)]
    count = Counter(one.kind for one in found)
    assert (count["D"], count["O"], count["L"]) == (64_542, 4, 4)
    assert found[-1].end_bytes == path.stat().st_size


def test_offsets_lead_from_message_to_message(tmp_path: Path) -> None:
    """Each begins where the one before ended, also one of a type that is not known yet."""
    data = HEAD + message("F", b"abc") + message("Z", b"?") + message("D", b"\0\0")
    first, second, third = read(tmp_path, data)
    assert first == UlogMessage(16, "F", b"abc")
    assert (second.offset_bytes, third.offset_bytes) == (22, 26)


def test_cut_anywhere(tmp_path: Path) -> None:
    """A file cut within a message says so once, and gives what was whole."""
    whole = HEAD + message("F", b"abc") + message("D", b"12345")
    for length in range(22, len(whole)):
        found = read(tmp_path, whole[:length])
        assert kinds(found) == ("F" if length == 22 else "F!")
    assert kinds(read(tmp_path, whole)) == "FD"


def test_garbage_ends_the_reading(tmp_path: Path) -> None:
    """Neither an empty message nor a type that is no letter; what follows cannot be trusted."""
    for garbage in (b"\0\0D", b"\x05\0\xff12345"):
        found = read(tmp_path, HEAD + message("F", b"abc") + garbage + message("D", b"1"))
        assert kinds(found) == "F!"
        assert found[1].offset_bytes == 22


def test_appended_data(tmp_path: Path) -> None:
    """What a crash cut off before the appended part is no damage."""
    before = HEAD + flags(1) + message("D", b"12") + message("D", b"34567")[:5]
    data = HEAD + flags(len(before)) + before[len(HEAD + flags(1)) :] + message("D", b"8")
    assert kinds(read(tmp_path, data)) == "BDD"
    assert kinds(read(tmp_path, data[:-1])) == "BDD"[:2] + "!"


def test_appended_data_that_cannot_be(tmp_path: Path) -> None:
    """A place beyond the end of the file."""
    (damage,) = read(tmp_path, HEAD + flags(10_000) + message("D", b"12"))
    assert isinstance(damage, UlogDamage)
    assert "10000" in damage.reason
