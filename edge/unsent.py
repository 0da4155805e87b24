"""What clients have not taken yet, all together: where it is too much, those who have been slowest
for a while are cut off, so that memory is bounded however many do not read.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

log = logging.getLogger(__name__)


class Frame(NamedTuple):
    """A frame that is being sent, since when, and how its connection is ended."""

    size: int
    since: float
    cut: Callable[[], None]


class Unsent:
    """The frames of all connections that are being sent, in the order of their begin."""

    def __init__(self, max_bytes: int, patience_s: float) -> None:
        self._max_bytes = max_bytes
        self._patience_s = patience_s
        self._frames: dict[int, Frame] = {}
        self._next = 0
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether there is more than may be."""
        return self._bytes > self._max_bytes

    @contextlib.contextmanager
    def sending(self, size: int, cut: Callable[[], None]) -> Iterator[None]:
        """A frame that is being sent while the block runs."""
        number, self._next = self._next, self._next + 1
        self._frames[number] = Frame(size, time.monotonic(), cut)
        self._bytes += size
        self._relieve()
        try:
            yield
        finally:
            self._drop(number)

    def _drop(self, number: int) -> None:
        frame = self._frames.pop(number, None)
        if frame is not None:
            self._bytes -= frame.size

    def _relieve(self) -> None:
        """Cut off the slowest, as long as there is too much and they have had their time."""
        before = time.monotonic() - self._patience_s
        while self.is_full:
            number, frame = next(iter(self._frames.items()))
            if frame.since > before:
                return
            self._drop(number)
            log.info("too much is unsent, a slow client is cut off")
            frame.cut()
