"""Space packets back to back, whole and broken off."""

from __future__ import annotations

from io import BytesIO
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from sdk.formats.packets import Damage, Packet, packets


def packet(apid: int, sequence: int, body: bytes, secondary: bool = False) -> bytes:
    """One telemetry packet."""
    head = (secondary << 11 | apid, 3 << 14 | sequence, len(body) - 1)
    return b"".join(word.to_bytes(2) for word in head) + body


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2047),
            st.integers(0, 16383),
            st.binary(min_size=1, max_size=40),
            st.booleans(),
        ),
        min_size=1,
        max_size=12,
    ),
    st.data(),
)
def test_every_packet_before_a_cut_is_read(
    wanted: list[tuple[int, int, bytes, bool]], data: st.DataObject
) -> None:
    """Cut a file anywhere: what is whole comes out, and the cut is named by its offset."""
    written = [packet(*one) for one in wanted]
    whole = b"".join(written)
    ends = [0, *accumulate(len(one) for one in written)]
    cut = data.draw(st.integers(0, len(whole)))
    read = list(packets(BytesIO(whole[:cut])))
    complete = sum(end <= cut for end in ends[1:])
    found = [one for one in read if isinstance(one, Packet)]
    assert [one.data for one in found] == written[:complete]
    for one, (apid, sequence, _, secondary) in zip(found, wanted, strict=False):
        assert (one.apid, one.sequence, one.has_secondary_header) == (apid, sequence, secondary)
    damage = [one for one in read if isinstance(one, Damage)]
    assert [one.offset_bytes for one in damage] == ([] if cut in ends else [ends[complete]])


def test_what_is_no_packet_ends_the_reading() -> None:
    """Behind something else there is no way to find the next packet."""
    first, damage = packets(BytesIO(packet(5, 1, b"abc") + b"\xffnot a packet"))
    assert first == Packet(0, packet(5, 1, b"abc"))
    assert damage == Damage(9, "no CCSDS space packet: its version is 7")
