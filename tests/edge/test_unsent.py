"""Unread frames are bounded over all connections of an edge."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

from nova.edge.unsent import UnsentFrames


def test_the_slowest_are_cut_off_once_there_is_too_much() -> None:
    """The longest first, as many as it takes; who ends by itself counts no more."""
    cut: list[str] = []
    unsent = UnsentFrames(100, grace_s=0)
    with ExitStack() as stack:
        with unsent.sending(60, lambda: cut.append("quick")):
            pass
        stack.enter_context(unsent.sending(50, lambda: cut.append("first")))
        stack.enter_context(unsent.sending(50, lambda: cut.append("second")))
        assert cut == [] and not unsent.is_full
        stack.enter_context(unsent.sending(60, lambda: cut.append("third")))
        assert cut == ["first", "second"] and not unsent.is_full
    assert not unsent.is_full


def test_nobody_is_cut_off_before_having_had_some_time() -> None:
    """Whoever reads takes a frame within it; new connections are refused meanwhile."""
    cut: list[str] = []
    unsent = UnsentFrames(100, grace_s=60)
    with ExitStack() as stack:
        for name in "abc":
            stack.enter_context(unsent.sending(90, partial(cut.append, name)))
        assert cut == [] and unsent.is_full
    assert not unsent.is_full
