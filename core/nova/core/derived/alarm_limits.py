"""The limits of folding alarms."""

from __future__ import annotations

from typing import NamedTuple


class AlarmLimits(NamedTuple):
    """Sizes of a chunk of events, which is folded and written at once, and what is in memory."""

    chunk_max_events: int = 10_000
    chunk_max_bytes: int = 32 * 1024 * 1024
    mark_inputs: int = 512
    """Inputs between two marks of an alarm, from which it is folded again for a late event that is
    older than the inputs in memory.
    """

    recent_max_inputs: int = 200_000
    """Inputs in memory, of all alarms."""

    disorder_inputs: int = 64
    """Inputs that an alarm keeps and does not skip after a late one that it did not ignore."""

    open_max_alarms: int = 50_000
    pause_inputs: int = 2_000
    """Inputs read again until others get their turn."""


ALARM_LIMITS = AlarmLimits()
