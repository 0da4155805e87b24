"""The initial state of views at the begin of a file, which some formats store as checkpoints.

Checkpoints are not events: they are not counted, and `nova import` skips them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

CHECKPOINT_METADATA = {"holds": "checkpoint"}
"""Metadata of the MCAP channel whose messages are checkpoints."""


class InitialState(NamedTuple):
    """The time in ns at which a range begins, in its timebase, and the state of each view strictly
    before it, as JSON.
    """

    time_ns: int
    checkpoints: Iterable[bytes]


NO_INITIAL_STATE = InitialState(0, ())
