"""The state of the Core, read once a second for all connections that follow it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

import msgspec

from nova.core.errors import ArchiveError
from nova.core.server.instance_status import without_totals
from nova.sdk.protocol.health import (
    ConfiguredFiles,
    ConfiguredPart,
    LinkInfo,
    StatusResponse,
    StatusUpdate,
)

BEAT_S = 1.0

log = logging.getLogger(__name__)


class StatusSubscription:
    """What one connection has to be sent: the newest counts, and the status once after a change."""

    def __init__(self, status: StatusResponse) -> None:
        self._state = state_of(status)
        self._pending: StatusUpdate | None = None
        self._has_news = asyncio.Event()

    def publish(self, status: StatusResponse) -> None:
        """Let the connection send it, in place of what it has not sent yet."""
        state = state_of(status)
        has_unsent = self._pending is not None and self._pending.status is not None
        is_changed = state != self._state or has_unsent
        self._state = state
        self._pending = StatusUpdate(
            events=status.events,
            series=status.series,
            durable_time=status.durable_time,
            status=status if is_changed else None,
        )
        self._has_news.set()

    async def messages(self) -> Sequence[StatusUpdate]:
        """Wait for news; returns its message."""
        await self._has_news.wait()
        self._has_news.clear()
        found, self._pending = self._pending, None
        return () if found is None else (found,)


class LiveStatus:
    """Reads the status, periodically while anybody follows. `read` takes whether its reader sees
    the whole archive.
    """

    def __init__(self, read: Callable[[bool], StatusResponse], beat_s: float = BEAT_S) -> None:
        self._read = read
        self._beat_s = beat_s
        self._following: dict[StatusSubscription, bool] = {}
        self._task: asyncio.Task[None] | None = None

    def read(self, *, is_limited: bool) -> StatusResponse:
        """The status for who sees the whole archive, or (`is_limited`) a part: files name rules,
        definitions and people of all scopes.
        """
        found = self._read(not is_limited)
        return without_totals(found) if is_limited else found

    def subscribe(self, *, is_limited: bool) -> tuple[StatusResponse, StatusSubscription]:
        """The status now, and what comes after it."""
        found = self.read(is_limited=is_limited)
        subscription = StatusSubscription(found)
        self._following[subscription] = is_limited
        if self._task is None:
            self._task = asyncio.create_task(self._keep())
        return found, subscription

    def unsubscribe(self, subscription: StatusSubscription) -> None:
        """End a subscription."""
        self._following.pop(subscription, None)
        if not self._following and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._beat_s)
            try:
                self._publish()
            except ArchiveError as error:
                log.error("no status to follow", extra={"context": {"error": str(error)}})
            except Exception:
                log.exception("the status to follow failed")

    def _publish(self) -> None:
        found = {one: self.read(is_limited=one) for one in set(self._following.values())}
        for subscription, is_limited in self._following.items():
            subscription.publish(found[is_limited])


def state_of(status: StatusResponse) -> StatusResponse:
    """The status without what changes while all is well."""
    return msgspec.structs.replace(
        status,
        events=0,
        duplicates=0,
        rejects=0,
        series=0,
        durable_time=None,
        bytes_on_disk=0,
        links=[_state_of_link(link) for link in status.links],
        submissions=[],
        configured=[_state_of_files(files) for files in status.configured],
    )


def _state_of_link(link: LinkInfo) -> LinkInfo:
    return LinkInfo(
        link=link.link,
        connection=link.connection,
        gaps=link.gaps,
        outages=link.outages,
        last_outage=link.last_outage,
        warnings=link.warnings,
    )


def _state_of_files(files: ConfiguredFiles) -> ConfiguredFiles:
    parts = [
        ConfiguredPart(name=one.name, state=one.state, reason=one.reason) for one in files.parts
    ]
    return msgspec.structs.replace(files, parts=parts)
