"""The health of a link: whether its backend answers, its outages, warnings and lag."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Outage:
    """A period in which the backend did not answer; `to_ns` is None while it lasts."""

    from_ns: int
    to_ns: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class LinkState:
    """The state of a transport; times are ns since 1970 by the host's clock.

    `ends` holds, for each stream being read, the position after the newest record that the backend
    is known to hold; the distance from a stored position to it is the lag, in records. `warnings`
    are lasting conditions that operators should know, such as acknowledgements that a power cut can
    undo.
    """

    connected: bool = False
    outages: int = 0
    last_outage: Outage | None = None
    ends: dict[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class LinkHealth:
    """The state of a link, updated by its transport from any thread."""

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._connected = False
        self._outages = 0
        self._last: Outage | None = None
        self._warnings: dict[str, str] = {}

    def mark_up(self) -> bool:
        """The backend answers; returns whether that is a change."""
        with self._lock:
            if self._connected:
                return False
            self._connected = True
            if self._last is not None and self._last.to_ns is None:
                self._last = Outage(self._last.from_ns, self._clock(), self._last.reason)
            return True

    def mark_down(self, reason: str) -> bool:
        """The backend does not answer; returns whether that is a change. A backend that was never
        reached counts as an outage.
        """
        with self._lock:
            if self._last is not None and self._last.to_ns is None:
                return False
            self._connected = False
            self._outages += 1
            self._last = Outage(self._clock(), None, reason)
            return True

    def warn(self, topic: str, text: str | None) -> bool:
        """Set a warning, or clear it with None; returns whether it is a new one."""
        with self._lock:
            known = self._warnings.pop(topic, None)
            if text is not None:
                self._warnings[topic] = text
            return text is not None and text != known

    def state(self, ends: dict[str, int]) -> LinkState:
        """The present state, with the ends that the transport knows."""
        with self._lock:
            return LinkState(
                self._connected, self._outages, self._last, ends, tuple(self._warnings.values())
            )
