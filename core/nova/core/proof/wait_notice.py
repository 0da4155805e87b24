"""Says what a check waits for, and how far that is."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from nova.core.store.given_back import DayGivenBack

NOTICE_INTERVAL_S = 5.0


class WaitNotice:
    """Writes a line when a wait begins, for each day, and every `interval_s` meanwhile."""

    def __init__(
        self,
        show: Callable[[str], None] = lambda text: click.echo(text, err=True),
        interval_s: float = NOTICE_INTERVAL_S,
    ) -> None:
        self._show = show
        self._interval_s = interval_s
        self._shown = ""
        self._shown_at = 0.0

    def waiting(self, day: DayGivenBack | None) -> None:
        """Report one look at the deletion."""
        if day is None:
            self._say("waiting: retention has deleted days while the archive was opened", "")
            return
        name = f"{day.day} of {day.scope_id}/{day.lane}"
        done = f"{day.deleted:,} of {day.events:,} events"
        self._say(f"waiting until retention has deleted {name}", f": {done}")

    def _say(self, what: str, progress: str) -> None:
        now = time.monotonic()
        if what != self._shown or now - self._shown_at >= self._interval_s:
            self._shown, self._shown_at = what, now
            self._show(what + progress)
