"""Bounds what is logged: a line that repeats, and a statement that logs too many lines, are counted
instead, and the count is logged.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

REPEAT_WINDOW_S = 60.0
"""An equal line is logged at once, and what repeats in this time once more, with its count."""

STATEMENT_WINDOW_S = 10.0
STATEMENT_MAX_LINES = 500
"""Most lines of one statement in its window, whatever they say."""

REMEMBERED_MAX = 1_024
"""Windows of each kind; a further one ends the oldest."""


class Offer(NamedTuple):
    """A line: its body, what is equal for lines that say the same, and the statement it is of."""

    body: str
    key: Hashable
    statement: Hashable


class Suppressed(NamedTuple):
    """Lines that were not logged: the last one, and how many."""

    body: str
    lines: int


@dataclass(slots=True)
class _RepeatWindow:
    ends_s: float
    lines: int = 1
    suppressed: int = 0
    last: str = ""


class _RepeatWindows:
    """The windows of one length, in the order in which they end."""

    def __init__(self, length_s: float, lines_max: int, remembered_max: int) -> None:
        self._length_s = length_s
        self._lines_max = lines_max
        self._remembered_max = remembered_max
        self._windows: dict[Hashable, _RepeatWindow] = {}

    def admits(self, key: Hashable, body: str, now_s: float) -> bool:
        """Whether a line may be logged; if not, it is counted."""
        window = self._windows.get(key)
        if window is None:
            self._windows[key] = _RepeatWindow(now_s + self._length_s)
        elif window.lines < self._lines_max:
            window.lines += 1
        else:
            window.suppressed += 1
            window.last = body
            return False
        return True

    def end(self, now_s: float) -> Iterator[Suppressed]:
        """End the windows whose time is over, or that are too many."""
        while self._windows:
            key, window = next(iter(self._windows.items()))
            if window.ends_s > now_s and len(self._windows) <= self._remembered_max:
                return
            del self._windows[key]
            if window.suppressed:
                yield Suppressed(window.last, window.suppressed)

    def has_suppressed(self) -> bool:
        return any(window.suppressed for window in self._windows.values())


class RepeatLimit:
    """Says which lines are logged. Not for several threads at once."""

    def __init__(
        self,
        *,
        repeat_window_s: float = REPEAT_WINDOW_S,
        statement_window_s: float = STATEMENT_WINDOW_S,
        statement_max_lines: int = STATEMENT_MAX_LINES,
        remembered_max: int = REMEMBERED_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._equal = _RepeatWindows(repeat_window_s, 1, remembered_max)
        self._statements = _RepeatWindows(statement_window_s, statement_max_lines, remembered_max)

    def admits(self, offer: Offer) -> bool:
        """Whether to log a line now; if not, it is counted."""
        now_s = self._clock()
        return self._equal.admits(offer.key, offer.body, now_s) and self._statements.admits(
            offer.statement, offer.body, now_s
        )

    def due(self) -> Iterator[Suppressed]:
        """What was suppressed in windows that are over."""
        yield from self._end(self._clock())

    def rest(self) -> Iterator[Suppressed]:
        """End all windows."""
        yield from self._end(float("inf"))

    def _end(self, now_s: float) -> Iterator[Suppressed]:
        yield from self._equal.end(now_s)
        yield from self._statements.end(now_s)

    def has_suppressed(self) -> bool:
        """Whether there is something that `due` will say."""
        return self._equal.has_suppressed() or self._statements.has_suppressed()
