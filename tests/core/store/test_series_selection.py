"""Selections of series are evaluated once per series, shared by equal requests, and bounded."""

from __future__ import annotations

from nova.core.store.series_selection import KeptSelections, SeriesSelection
from nova.core.store.series_table import SeriesTable
from nova.sdk.events.event import Series


def named(number: int) -> Series:
    return Series("sat", "parsed", "bus", "eps", f"u{number % 4}", "Count", f"v{number}")


def table_of(count: int) -> SeriesTable:
    table = SeriesTable()
    for number in range(count):
        table.add(number, named(number))
    return table


def test_series_that_are_added_later_are_selected_and_none_is_evaluated_twice() -> None:
    table, evaluated = table_of(8), list[str]()

    def matches(series: Series) -> bool:
        evaluated.append(series.view_id)
        return series.unique_id != "u1"

    selection = SeriesSelection(table, matches, None)
    assert selection.numbers == [0, 2, 3, 4, 6, 7]
    for number in range(8, 12):
        table.add(number, named(number))
    assert 8 in selection and 9 not in selection
    assert selection.numbers == [0, 2, 3, 4, 6, 7, 8, 10, 11]
    assert selection.key_suffixes == {number.to_bytes(4, "big") for number in selection.numbers}
    assert evaluated == [f"v{number}" for number in range(12)]


def test_of_a_filter_on_a_unit_only_that_units_series_are_evaluated() -> None:
    evaluated: list[str] = []

    def matches(series: Series) -> bool:
        evaluated.append(series.unique_id)
        return True

    selection = SeriesSelection(table_of(12), matches, "u2")
    assert selection.numbers == [2, 6, 10]
    assert evaluated == ["u2"] * 3


def test_those_used_last_are_kept_within_bounds() -> None:
    table, kept = table_of(10), KeptSelections(kept_max=3, kept_max_series=25)

    def selection(name: str, matches: bool) -> SeriesSelection:
        found = kept.selection(name, lambda: SeriesSelection(table, lambda _: matches, None))
        assert len(found.numbers) == (10 if matches else 0)
        return found

    empty = selection("empty", matches=False)
    first = selection("a", matches=True)
    assert selection("empty", matches=False) is empty
    assert selection("a", matches=True) is first
    selection("b", matches=False)
    selection("c", matches=False)
    assert selection("a", matches=True) is first
    assert selection("empty", matches=False) is not empty
    for name in ("x", "y", "z"):
        selection(name, matches=True)
    assert selection("a", matches=True) is not first
