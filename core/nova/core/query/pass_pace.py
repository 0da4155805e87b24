"""How often what follows the archive makes a pass.

A pass costs something for every series or file that it touches, however few events these have had.
So passes are few while much comes in, and soon after an event where little does.
"""

from __future__ import annotations

from typing import NamedTuple


class PassPace(NamedTuple):
    """Pauses after a pass of few events and after one of at least `busy_events`."""

    idle_s: float = 0.5
    busy_s: float = 2.0
    busy_events: int = 500

    def pause_s(self, events: int) -> float:
        """The pause after a pass of this many events."""
        return self.busy_s if events >= self.busy_events else self.idle_s


PASS_PACE = PassPace()
