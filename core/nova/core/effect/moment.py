"""Moments: the times at which requests are evaluated.

In canonical time, now is the wall clock, or the newest receive time if the clock was set back
behind it: a received event is never in the future. In source time, now is the wall clock; events
that producers date ahead of it are in the future.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from nova.core.ordering import Timebase

wall_clock: Callable[[], int] = time.time_ns
"""Returns ns since 1970; tests replace it."""


class Moment(NamedTuple):
    """A time in a timebase, and the receive time in ns up to which events are known at it."""

    timebase: Timebase
    time_ns: int
    known_ns: int


def moment_at(timebase: Timebase, time_ns: int) -> Moment:
    """The moment of a request that names a time."""
    return Moment(timebase, time_ns, time_ns)


def now(timebase: Timebase, newest_ns: int) -> Moment:
    """The moment of a request without a time; `newest_ns` is the newest receive time."""
    wall_ns = wall_clock()
    known_ns = max(wall_ns, newest_ns)
    return Moment(timebase, known_ns if timebase == "canonical" else wall_ns, known_ns)
