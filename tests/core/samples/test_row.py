"""A row of samples equals brute force, whichever fields its events tell, and wherever it was
stored and read in between.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.samples.row import Extremes, Row
from core.store.samples import Cell, decode_row, encode_row

VALUES = st.sampled_from([-2.5, -1.0, 0.0, 0.1, 0.2, 0.3, 7.0])
EVENTS = st.lists(
    st.dictionaries(st.integers(0, 3), VALUES, min_size=1, max_size=4)
    | st.fixed_dictionaries({0: VALUES, 1: VALUES, 2: VALUES}),
    max_size=25,
)


def cells_of(events: list[dict[int, float]]) -> dict[int, Cell]:
    """The cells by their fields, added up one after the other."""
    found: dict[int, Cell] = {}
    for event in events:
        for field, value in event.items():
            _, count, total, least, greatest = found.get(field, (field, 0, 0.0, value, value))
            found[field] = (
                field,
                count + 1,
                total + value,
                min(least, value),
                max(greatest, value),
            )
    return found


@given(EVENTS, st.integers(1, 6), st.integers(0, 30))
def test_rows_are_the_brute_force_answer(
    events: list[dict[int, float]], inner_events: int, stored_at: int
) -> None:
    """A wide row, and in it narrow ones of a few events each, as the sampler has them."""
    wide, narrow = Row(), Row()
    for number, event in enumerate(events):
        if number % inner_events == 0:
            narrow = Row()
        if number == stored_at:
            wide = Row(decode_row(encode_row(wide.cells())))
        fields, values = tuple(event), list(event.values())
        extremes: Extremes = range(len(values)), range(len(values))
        wide.add(fields, values, narrow.add(fields, values, extremes))
    assert {cell[0]: cell for cell in wide.cells()} == cells_of(events)
    if events:
        start = (len(events) - 1) // inner_events * inner_events
        assert {cell[0]: cell for cell in narrow.cells()} == cells_of(events[start:])
