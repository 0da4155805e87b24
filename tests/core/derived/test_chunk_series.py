"""Of a chunk's events those of some series are chosen, in order, with one question for each."""

from __future__ import annotations

from nova.core.derived.chunk_series import ChunkSeries
from nova.core.store.keys import event_keys

NUMBERS = [7, 300, 7, 2, 300, 7]


def test_the_events_of_wanted_series_are_chosen() -> None:
    hits = [(key, b"%d" % place) for place, key in enumerate(event_keys(1_000, NUMBERS))]
    chunk, asked = ChunkSeries(hits), list[int]()

    def is_wanted(number: int) -> bool:
        asked.append(number)
        return number != 7

    assert chunk.numbers == {2, 7, 300}
    assert chunk.chosen(is_wanted) == [hits[1], hits[3], hits[4]]
    assert sorted(asked) == [2, 7, 300]
    assert chunk.chosen(lambda _: False) == []
    assert ChunkSeries([]).chosen(lambda _: True) == []
