"""Displays: what is checked of one, and what it names."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import structs

from nova.sdk.display import (
    NESTING_MAX,
    PANELS_MAX,
    Display,
    DisplayColumn,
    DisplayPage,
    DisplayPanel,
    check_display,
    content_of,
    named_data,
)
from nova.sdk.errors import ProtocolError

FIELD = {"series": {"scopeId": "sat1", "lane": "parsed", "uniqueId": "b"}, "field": "volts"}


def display(*panels: DisplayPanel, hidden: tuple[DisplayPanel, ...] = ()) -> Display:
    page = DisplayPage(
        name="One", columns=[DisplayColumn(panels=list(panels))], hidden=list(hidden)
    )
    return Display(name="Power", pages=[page])


def panel(
    panel_id: str, *, kind: str = "gauge", title: str | None = None, **options: object
) -> DisplayPanel:
    return DisplayPanel(id=panel_id, kind=kind, title=title, options=options)


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


def test_options_are_kept_as_they_are() -> None:
    """Whatever a screen has put there, to the last digit that JSON has."""
    kept = display(panel("a", fields=[FIELD], newer={"x": [1.5, None, True, "é"]}))
    assert msgspec.json.decode(content_of(kept), type=Display) == kept
    check_display(kept)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (display(panel("a"), panel("a")), "pages[0]: the panel 'a' is there twice"),
        (display(panel("a"), hidden=(panel("a"),)), "is there twice"),
        (display(*(panel(f"p{n}") for n in range(PANELS_MAX + 1))), "61 panels, at most 60"),
        (display(panel("a", svg="x" * 70_000)), "bytes, at most 61440 are allowed"),
        (display(panel("a", deep=nested(NESTING_MAX))), "'a': options are nested too deep"),
        (display(panel("b", kind="chat")), "'b': a page has one panel of the kind 'chat'"),
        (display(panel("chat")), "'chat': a page has one panel of the kind 'chat'"),
        (display(panel("a", title="x\x1b[2J")), "pages[0]: 'a': title: has the control"),
        (structs.replace(display(), name=" "), "name: is blank"),
    ],
    ids=[
        "twice",
        "hidden twice",
        "panels",
        "bytes",
        "nesting",
        "single kind",
        "single id",
        "title",
        "name",
    ],
)
def test_a_display_that_breaks_a_rule_is_refused(wrong: Display, words: str) -> None:
    with pytest.raises(ProtocolError) as raised:
        check_display(wrong)
    assert raised.value.code == "badDisplay"
    assert words in str(raised.value)


def test_the_deepest_options_are_accepted() -> None:
    check_display(display(panel("a", deep=nested(NESTING_MAX - 1))))


def test_scopes_and_lanes_are_found_wherever_they_are_named() -> None:
    """In lists of lists, in hidden panels, and as lists; other texts are none."""
    found = named_data(
        display(
            panel("a", rows=[[{"cell": FIELD}]], text="scopeId sat9"),
            panel("b", filters={"scopeIds": ["sat2", 3], "lanes": ["raw"]}),
            panel("d", lane="no lane", scopeId=7),
            hidden=(panel("c", entity={"scopeId": "sat3"}),),
        )
    )
    assert sorted(found.scopes) == ["sat1", "sat2", "sat3"]
    assert sorted(found.lanes) == ["parsed", "raw"]
