"""Topics of ULog files: how their records are laid out, and what they say."""

from __future__ import annotations

import struct
from types import SimpleNamespace

import pytest

from nova.recordings.ulog_topic import UlogTopic

FORMATS = {
    "motor": SimpleNamespace(fields=[("uint8_t", 0, "state"), ("uint8_t", 3, "_padding0")]),
    "craft": SimpleNamespace(
        fields=[
            ("uint64_t", 0, "timestamp"),
            ("float", 2, "q"),
            ("bool", 0, "armed"),
            ("char", 4, "name"),
            ("motor", 2, "motor"),
            ("uint8_t", 5, "_padding0"),
        ]
    ),
    "snake": SimpleNamespace(fields=[("snake", 0, "tail")]),
    "wide": SimpleNamespace(fields=[("motor", 60_000, "motors")]),
}
RECORD = struct.Struct("<Qff?4sB3xB3x")


def announced(name: str) -> bytes:
    """The announcement of a topic with id 7, instance 1."""
    return struct.pack("<BH", 1, 7) + name.encode()


def test_a_record_with_types_in_types() -> None:
    """Names as pyulog has them; padding says nothing; the one at the end is not in the log."""
    topic = UlogTopic(announced("craft"), FORMATS)
    assert (topic.id, topic.instance, topic.name) == (7, 1, "craft")
    record = RECORD.pack(5, 0.1, float("nan"), True, b"ab\0x", 3, 4)
    assert topic.decode(record) == {
        "timestamp": 5,
        "q[0]": 0.1,
        "q[1]": None,
        "armed": True,
        "name": "ab",
        "motor[0].state": 3,
        "motor[1].state": 4,
    }
    assert topic.has_field("timestamp")
    assert not topic.has_field("motor")
    assert topic.decode(record + bytes(5)) == topic.decode(record)
    assert topic.decode(record[:-1]) is None


def test_integers_that_json_cannot_hold_are_text() -> None:
    """64 bits hold more than a JSON number does."""
    topic = UlogTopic(announced("craft"), FORMATS)
    values = topic.decode(RECORD.pack(2**64 - 1, 0, 0, False, b"", 0, 0))
    assert values is not None
    assert values["timestamp"] == str(2**64 - 1)


@pytest.mark.parametrize("added", [b"", b"\0\0", announced("none"), announced("snake")])
def test_announcements_that_make_no_topic(added: bytes) -> None:
    """Too short, without a format, or one that holds itself."""
    with pytest.raises(ValueError, match="no format"):
        UlogTopic(added, FORMATS)


def test_formats_that_multiply_are_cut() -> None:
    """Sixty thousand motors are no topic of any craft; memory stays bounded."""
    topic = UlogTopic(announced("wide"), FORMATS)
    assert topic.decode(bytes(4000)) is None


def test_types_without_fields_that_multiply_are_refused() -> None:
    """Sixty thousand times sixty thousand times nothing would be looked into for hours."""
    formats = {
        "a": SimpleNamespace(fields=[("b", 60_000, "x")]),
        "b": SimpleNamespace(fields=[("c", 60_000, "y")]),
        "c": SimpleNamespace(fields=[]),
    }
    with pytest.raises(ValueError, match="no format"):
        UlogTopic(announced("a"), formats)


def test_the_size_of_a_record() -> None:
    """With what pads it at its end or without; nothing else."""
    topic = UlogTopic(announced("craft"), FORMATS)
    fitting = [size for size in range(60) if topic.fits(bytes(size))]
    assert fitting == list(range(RECORD.size, RECORD.size + 6))
