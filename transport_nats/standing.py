"""How the connections of one transport stand together: the link is down while any of them is."""

from __future__ import annotations

import logging

from sdk.transport.link import LinkHealth

log = logging.getLogger(__name__)


class Standing:
    """Puts what the connections report into the link's health, and news into the log."""

    def __init__(self, link: str, health: LinkHealth) -> None:
        self._link = link
        self._health = health
        self._failing: set[object] = set()

    def works(self, connection: object) -> None:
        """This connection does its work."""
        self._failing.discard(connection)
        if not self._failing and self._health.up():
            log.info("nats reachable: link=%s", self._link)

    def fails(self, connection: object, reason: str) -> None:
        """This connection cannot do its work; told once per outage, however often it tries."""
        self._failing.add(connection)
        if self._health.down(reason):
            log.warning("nats unreachable: link=%s %s", self._link, reason)

    def leaves(self, connection: object) -> None:
        """This connection is closed by us and says nothing of the link any more."""
        self._failing.discard(connection)

    def warn(self, about: str, text: str | None) -> None:
        """A standing fact that an operator should know, told once; None if it stands no more."""
        if self._health.warn(about, text):
            log.warning("nats: link=%s %s", self._link, text)
