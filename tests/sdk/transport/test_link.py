"""A transport's observations of its link add up to a useful state."""

from __future__ import annotations

import itertools

from nova.sdk.transport.link import LinkHealth, LinkState, Outage


def health() -> LinkHealth:
    """On a clock that moves by one with every look."""
    clock = itertools.count(1)
    return LinkHealth(lambda: next(clock))


def test_a_link_that_nobody_has_tried_is_neither_up_nor_down() -> None:
    """Pitfalls row 12: not tried is not unreachable."""
    assert health().state({}) == LinkState(False, 0, None, {}, ())


def test_only_the_first_report_of_a_change_is_news() -> None:
    """A log line per outage, not per attempt; the outage keeps its beginning and first reason."""
    link = health()
    assert [link.mark_down("a"), link.mark_down("b"), link.mark_down("c")] == [True, False, False]
    assert link.state({}).last_outage == Outage(1, None, "a")
    assert [link.mark_up(), link.mark_up()] == [True, False]
    assert link.state({}) == LinkState(True, 1, Outage(1, 2, "a"))
    assert link.mark_down("d")
    assert link.state({}) == LinkState(False, 2, Outage(3, None, "d"))


def test_a_warning_stands_and_is_told_once() -> None:
    """nova.md §7: what an operator should know stays in sight."""
    link = health()
    told = [link.warn("disk", "x"), link.warn("disk", "x"), link.warn("age", "y")]
    assert told == [True, False, True]
    assert link.state({"s": 4}) == LinkState(False, 0, None, {"s": 4}, ("x", "y"))


def test_a_warning_can_be_taken_back_and_told_anew() -> None:
    """What has been put right is not reported any more."""
    link = health()
    assert link.warn("disk", "x")
    assert not link.warn("disk", None)
    assert link.state({}).warnings == ()
    assert [link.warn("disk", "x"), link.warn("disk", "z")] == [True, True]
    assert link.state({}).warnings == ("z",)
