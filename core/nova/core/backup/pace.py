"""The pace of a backup: beside a writer it works half of the time, so that its reads, digests and
syncs leave the disk and the processors to ingest.
"""

from __future__ import annotations

import time
from collections.abc import Callable

REST_MAX_S = 0.25
"""The longest rest after one step. A step that took longer was waiting: it had no priority."""


class BackupPace:
    """Rests after each step as long as the step took, once `slow_down` was called."""

    def __init__(
        self,
        rest: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        rest_max_s: float = REST_MAX_S,
    ) -> None:
        self._rest = rest
        self._clock = clock
        self._rest_max_s = rest_max_s
        self._is_slow = False
        self._stepped_at = clock()

    def slow_down(self) -> None:
        """Rest from now on."""
        self._is_slow = True
        self._stepped_at = self._clock()

    def step(self) -> None:
        """One step is done."""
        if self._is_slow:
            self._rest(min(self._clock() - self._stepped_at, self._rest_max_s))
            self._stepped_at = self._clock()
