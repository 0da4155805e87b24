"""How far a LIVE stream is behind what is durable."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

LOOKS_MAX = 20
"""Watermarks that are remembered until the stream has sent what was durable then. A stream that is
further behind drops the oldest; it shows the past anyway.
"""


class Lag:
    """The time at which everything that a stream has sent by now was everything durable."""

    def __init__(
        self, max_s: float, *, is_present: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`is_present`: the stream has nothing to send before it shows the present."""
        self._max_s = max_s
        self._clock = clock
        self._whole_s = clock() if is_present else -math.inf
        self._looks: deque[tuple[float, int]] = deque(maxlen=LOOKS_MAX)

    @property
    def is_present(self) -> bool:
        """Whether all events that were durable `max_s` ago have been sent."""
        return self._clock() - self._whole_s <= self._max_s

    def look(self, watermark: int) -> None:
        """Record what is durable now, before the next events are sent."""
        now_s = self._clock()
        if not self._looks or now_s - self._looks[-1][0] >= self._max_s / LOOKS_MAX:
            self._looks.append((now_s, watermark))

    def sent(self, position: int) -> None:
        """All events up to a canonical position have been sent."""
        while self._looks and self._looks[0][1] <= position:
            self._whole_s = self._looks.popleft()[0]
