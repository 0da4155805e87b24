"""Link health from the state of a transport's connections: down while any of them is down."""

from __future__ import annotations

import logging

from nova.sdk.transport.link import LinkHealth

log = logging.getLogger(__name__)


class LinkHealthReporter:
    """Combines the connections' reports into the link's health, and logs changes."""

    def __init__(self, kind: str, link: str, health: LinkHealth) -> None:
        """`kind` is what the transport is called in the log."""
        self._kind = kind
        self._link = link
        self._health = health
        self._failing: set[object] = set()

    def report_up(self, connection: object) -> None:
        """The connection works."""
        self._failing.discard(connection)
        if not self._failing and self._health.mark_up():
            log.info("%s reachable: link=%s", self._kind, self._link)

    def report_down(self, connection: object, reason: str) -> None:
        """The connection is down; logged once per outage, however often it retries."""
        self._failing.add(connection)
        if self._health.mark_down(reason):
            log.warning("%s unreachable: link=%s %s", self._kind, self._link, reason)

    def forget(self, connection: object) -> None:
        """The connection was closed on purpose and no longer affects the link."""
        self._failing.discard(connection)

    def set_warning(self, about: str, text: str | None) -> None:
        """Set or clear (None) a lasting warning for operators; logged once."""
        if self._health.warn(about, text):
            log.warning("%s: link=%s %s", self._kind, self._link, text)
