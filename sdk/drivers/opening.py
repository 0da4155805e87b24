"""What views showed when a file begins: the checkpoints that some formats have in front.

They are no events: nothing counts them, and `nova import` passes over them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

CHECKPOINT_METADATA = {"holds": "checkpoint"}
"""On the channel of an MCAP file whose messages are such checkpoints."""


class Opening(NamedTuple):
    """The time in ns at which a range begins, in its timebase, and what each view showed strictly
    before, as JSON.
    """

    time_ns: int
    checkpoints: Iterable[bytes]


NO_OPENING = Opening(0, ())
