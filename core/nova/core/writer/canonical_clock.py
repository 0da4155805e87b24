"""The clock of canonical time."""

from __future__ import annotations

from collections.abc import Callable


class CanonicalClock:
    """Assigns canonical times: the wall clock, but each at least 1 ns after the one before."""

    def __init__(self, last_ns: int, wall_clock: Callable[[], int]) -> None:
        self.last_ns = last_ns
        self._wall_clock = wall_clock

    def now_ns(self) -> int:
        """The present, which is not before the last canonical time."""
        return max(self._wall_clock(), self.last_ns)

    def estimate_ns(self) -> int:
        """The next canonical time if it were assigned now; assigns none."""
        return max(self._wall_clock(), self.last_ns + 1)

    def next_ns(self) -> int:
        """Assign the next canonical time."""
        self.last_ns = self.estimate_ns()
        return self.last_ns
