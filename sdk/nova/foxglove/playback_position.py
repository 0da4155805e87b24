"""Where a playback is, and how NOVA's stream continues from there."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from nova.sdk.protocol.messages import Rate

RATE_MAX = 1e9
"""Above this speed the stream is not paced."""


class ReplayStart(NamedTuple):
    """What a stream that continues a playback starts with, in ns."""

    start_ns: int
    stop_ns: int
    rate: Rate
    after_key: str | None


@dataclass
class PlaybackPosition:
    """A playback of the range from `begin_ns` to `end_ns`, both included.

    At `cursor_ns` either nothing was delivered, or all up to `after_key`, or (`is_past`) all.
    """

    begin_ns: int
    end_ns: int
    speed: float = 1.0
    cursor_ns: int = field(init=False)
    after_key: str | None = None
    is_past: bool = False
    is_ended: bool = False

    def __post_init__(self) -> None:
        self.cursor_ns = self.begin_ns

    @property
    def is_backwards(self) -> bool:
        return self.speed < 0

    def seek(self, time_ns: int) -> None:
        """Go to a time, or to the nearest one in the range."""
        self._go_to(min(max(time_ns, self.begin_ns), self.end_ns))

    def set_speed(self, speed: float) -> None:
        """A negative speed is backwards; raises ValueError for none."""
        if math.isnan(speed) or speed == 0:
            raise ValueError(f"a playback has no speed {speed}: pause it instead")
        if (speed < 0) != self.is_backwards:
            self._go_to(self.cursor_ns)
        self.speed = speed

    def advance(self, cursor_ns: int, last_ns: int | None, last_key: str | None) -> None:
        """A chunk was delivered that ends at a cursor; its last event has this time and key."""
        self.cursor_ns = cursor_ns
        is_amid = last_ns == cursor_ns and last_key is not None
        self.after_key = last_key if is_amid else None
        self.is_past = not is_amid

    def end(self) -> None:
        """Everything was delivered."""
        self.cursor_ns = self.begin_ns if self.is_backwards else self.end_ns
        self.after_key, self.is_past, self.is_ended = None, True, True

    def start(self) -> ReplayStart | None:
        """How the stream continues; None at the end."""
        step = -1 if self.is_backwards else 1
        start_ns = self.cursor_ns + (step if self.is_past else 0)
        stop_ns = self.begin_ns if self.is_backwards else self.end_ns
        if (stop_ns - start_ns) * step < 0:
            return None
        return ReplayStart(start_ns, stop_ns, self._rate(), self.after_key)

    def _go_to(self, time_ns: int) -> None:
        self.cursor_ns, self.after_key, self.is_past = time_ns, None, False
        self.is_ended = False

    def _rate(self) -> Rate:
        if abs(self.speed) <= RATE_MAX:
            return self.speed
        return "-max" if self.is_backwards else "max"
