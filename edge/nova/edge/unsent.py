"""Bounds the memory for frames that clients have not read yet: above the limit, the clients that
have been slow for longest are disconnected.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

log = logging.getLogger(__name__)


class UnsentFrame(NamedTuple):
    """A frame being sent: its size, its start (monotonic seconds), how to cut its connection."""

    size: int
    since: float
    abort: Callable[[], None]


class UnsentFrames:
    """The frames being sent on all connections, oldest first."""

    def __init__(self, max_bytes: int, grace_s: float) -> None:
        self._max_bytes = max_bytes
        self._grace_s = grace_s
        self._frames: dict[int, UnsentFrame] = {}
        self._next = 0
        self._bytes = 0

    @property
    def size_bytes(self) -> int:
        """Bytes of all frames being sent."""
        return self._bytes

    @property
    def is_full(self) -> bool:
        """Whether the limit is exceeded."""
        return self._bytes > self._max_bytes

    @contextlib.contextmanager
    def sending(self, size: int, abort: Callable[[], None]) -> Iterator[None]:
        """Count a frame as unsent while the block runs."""
        number, self._next = self._next, self._next + 1
        self._frames[number] = UnsentFrame(size, time.monotonic(), abort)
        self._bytes += size
        self.abort_slowest()
        try:
            yield
        finally:
            self._drop(number)

    def _drop(self, number: int) -> None:
        frame = self._frames.pop(number, None)
        if frame is not None:
            self._bytes -= frame.size

    def abort_slowest(self) -> None:
        """While over the limit, cut connections that exceed the patience, oldest frame first."""
        before = time.monotonic() - self._grace_s
        while self.is_full:
            number, frame = next(iter(self._frames.items()))
            if frame.since > before:
                return
            self._drop(number)
            log.info("too many unsent bytes: a slow client is disconnected")
            frame.abort()
