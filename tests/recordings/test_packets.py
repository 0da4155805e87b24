"""Headers of space packets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.recordings.packets import Packet, header_at
from tests.recordings.packet_files import packet


@given(
    st.integers(0, 2047),
    st.integers(0, 16383),
    st.integers(0, 3),
    st.booleans(),
    st.binary(min_size=1),
)
def test_header_says_what_was_written(
    apid: int, count: int, flags: int, secondary: bool, body: bytes
) -> None:
    """Of a packet, and of the place where one may begin."""
    data = packet(apid, count, body, secondary=secondary, flags=flags)
    one, header = Packet(3, data), header_at(b"abc" + data, 3)
    assert header is not None
    assert (one.apid, one.sequence, one.flags) == (apid, count, flags)
    assert (header.number, header.flags, header.source) == (count, flags, one.source)
    assert header.size_bytes == len(data) == one.end_bytes - 3
    assert one.has_secondary_header == secondary
    assert one.is_idle == (apid == 2047)


@pytest.mark.parametrize(
    ("head", "possible"),
    [
        ("0000c0000000", True),
        ("000000000000", False),
        ("000000000007", False),
        ("2000c0000000", False),
    ],
)
def test_what_may_begin_a_packet(head: str, possible: bool) -> None:
    """Another version begins none, nor do the zeros that files are filled up with."""
    header = header_at(bytes.fromhex(head), 0)
    assert header is not None
    assert header.is_possible == possible
    assert header_at(bytes.fromhex(head)[:5], 0) is None
