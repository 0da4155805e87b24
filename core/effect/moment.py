"""Moments: the times that questions are asked of, `now` among them.

In canonical time now is the wall clock, or the newest receive time where the clock has been set
back behind it: what was received is never in the future. In source time now is the wall clock, and
what producers have dated ahead of it is still to come.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from core.ordering import Timebase

wall_clock: Callable[[], int] = time.time_ns
"""In ns since 1970."""


class Moment(NamedTuple):
    """A time in a timebase, and the receive time up to which events are known at it."""

    timebase: Timebase
    time_ns: int
    known_ns: int


def at(timebase: Timebase, time_ns: int) -> Moment:
    """The moment that a question names."""
    return Moment(timebase, time_ns, time_ns)


def now(timebase: Timebase, newest_ns: int) -> Moment:
    """The moment of a question that names none; `newest_ns` is the newest receive time."""
    wall_ns = wall_clock()
    known_ns = max(wall_ns, newest_ns)
    return Moment(timebase, known_ns if timebase == "canonical" else wall_ns, known_ns)
