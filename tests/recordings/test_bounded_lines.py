"""Lines in bounded memory."""

from __future__ import annotations

from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st

from nova.recordings.bounded_lines import bounded_lines


@given(
    st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line), max_size=8),
    st.sampled_from([b"\n", b"\r\n"]),
    st.booleans(),
    st.integers(1, 20),
)
def test_lines_come_back_or_are_measured(
    written: list[bytes], ending: bytes, ended: bool, max_bytes: int
) -> None:
    """Each line comes whole if it is within the limit, else its size; every byte is counted."""
    whole = ending.join(written) + (ending if ended else b"")
    pieces = whole.split(b"\n")
    if pieces[-1] == b"":
        pieces.pop()
    found = list(bounded_lines(BytesIO(whole), max_bytes))
    assert [line.number for line in found] == list(range(1, len(pieces) + 1))
    assert sum(line.size_bytes for line in found) == len(whole)
    if found:
        assert found[-1].end_bytes == len(whole)
    for line, piece in zip(found, pieces, strict=True):
        text = piece.removesuffix(b"\r")
        assert line.data == (text if len(text) <= max_bytes else None)
