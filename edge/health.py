"""`/healthz`: the process answers; `/readyz`: so does its reader."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from aiohttp import web

from edge.core_status import CoreStatus
from edge.replies import json_reply
from sdk.protocol import LinkInfo


class HealthReply(msgspec.Struct, omit_defaults=True):
    """The body of both; `links` counts by state how the Core's transports are, without names."""

    status: str
    links: dict[str, int] | None = None


class Health:
    """Answers those who start and stop edges."""

    def __init__(self, core: CoreStatus) -> None:
        self._core = core

    async def healthz(self, _: web.Request) -> web.Response:
        """The process is alive."""
        return json_reply(200, HealthReply("ok"))

    async def readyz(self, _: web.Request) -> web.Response:
        """The reader answers; a link that is down does not matter, for the archive serves."""
        found = await self._core.get()
        if found is None:
            return json_reply(503, HealthReply("the Core's reader does not answer"))
        return json_reply(200, HealthReply("ready", _counted(found.links)))


def _counted(links: Sequence[LinkInfo]) -> dict[str, int]:
    counts = {"connected": 0, "unreachable": 0}
    for link in links:
        if link.connection in counts:
            counts[link.connection] += 1
    return counts
