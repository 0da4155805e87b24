"""The tail's chunks; how it joins history is held to brute force in test_reading."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from core.reader.live import chunks
from core.reader.playback import CHUNK_MAX_BYTES


@given(st.lists(st.sampled_from([1, 300_000, 900_000, 2_000_000]), max_size=25), st.integers(1, 6))
@settings(deadline=None)
def test_chunks_are_bounded_by_events_and_by_bytes(sizes: list[int], max_events: int) -> None:
    """A-145: nothing is lost or turned round, and no chunk grows with the commit."""
    found = [(bytes([place]), b"x" * size) for place, size in enumerate(sizes)]
    cut = list(chunks(found, max_events))
    assert [event for chunk in cut for event in chunk] == found
    for chunk in cut:
        assert 1 <= len(chunk) <= max_events
        assert sum(len(stored) for _, stored in chunk[:-1]) < CHUNK_MAX_BYTES
