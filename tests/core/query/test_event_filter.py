"""Filters as sets of series: matched by names alone, including series that are created later."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nova.core.query.event_filter import EventFilter
from nova.core.store.series_table import SeriesTable
from nova.sdk.events.event import Series
from nova.sdk.protocol.messages import Filters
from tests.laws import law

LANES = ("metadata", "command", "ui", "parsed", "raw")
few = st.sampled_from(["a", "b", "c"])
lanes = st.sampled_from(LANES)
series = st.builds(Series, few, lanes, few, few, few, st.sampled_from(["", "T", "U"]), few)
filters = st.builds(
    Filters,
    scope_ids=st.none() | st.lists(few, max_size=2),
    lanes=st.none() | st.lists(lanes, max_size=2),
    system_id=st.none() | few,
    container_id=st.none() | few,
    unique_id=st.none() | few,
    message_types=st.none() | st.lists(st.sampled_from(["", "T", "x"]), max_size=2),
    view_id=st.none() | few,
    command_id=st.none() | few,
)


def wanted(filters: Filters, series: Series) -> bool:
    """What the filters say, member by member."""
    exact = {
        "system_id": filters.system_id,
        "container_id": filters.container_id,
        "unique_id": filters.unique_id,
        "view_id": filters.view_id,
    }
    for member, value in exact.items():
        if value is not None and getattr(series, member) != value:
            return False
    if filters.scope_ids is not None and series.scope_id not in filters.scope_ids:
        return False
    if filters.lanes is not None and series.lane not in filters.lanes:
        return False
    if filters.message_types is not None and series.message_type not in filters.message_types:
        return False
    return filters.command_id is None or series.lane == "command"


@law(200)
@given(filters, st.lists(series, unique=True, max_size=30), st.integers(0, 30))
def test_series_are_wanted_as_the_filters_say(
    filters: Filters, names: list[Series], asked_after: int
) -> None:
    """AMB-30: every member narrows, an absent one does not; series made later are judged too."""
    table = SeriesTable()
    selection = EventFilter(filters, table)
    for number, name in enumerate(names):
        table.add(number, name)
        if number == asked_after:
            assert selection.numbers() == [
                n for n, s in enumerate(names[: number + 1]) if wanted(filters, s)
            ]
    expected = [number for number, name in enumerate(names) if wanted(filters, name)]
    assert [number for number in range(len(names)) if selection.matches_number(number)] == expected
    assert selection.numbers() == expected
    assert selection.matches_all == (filters == Filters())


def test_an_event_of_a_wanted_series_may_be_of_another_command() -> None:
    """AMB-30: commandId is in the event, not in its series."""
    selection = EventFilter(Filters(command_id="c1"), SeriesTable())
    assert selection.accepts(b'{"commandId":"c1","payload":{"commandId":"c2"}}')
    assert not selection.accepts(b'{"commandId":"c2","payload":{"commandId":"c1"}}')
    assert not selection.accepts(b'{"payload":{}}')
    assert EventFilter(Filters(), SeriesTable()).accepts(b"not even parsed")
