"""Liveness (`/healthz`) and readiness (`/readyz`) probes for orchestrators."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from aiohttp import web

from nova.edge.core_status import CoreStatus
from nova.edge.replies import json_reply
from nova.sdk.protocol.health import ProcessInfo
from nova.sdk.protocol.messages import LinkInfo


class ProbeReply(msgspec.Struct, omit_defaults=True):
    """The body of both probes; `links` counts the Core's links by state, without their names.
    `processes` has the states of the instance's processes that are not ready.
    """

    status: str
    links: dict[str, int] | None = None
    processes: dict[str, str] | None = None


class Probes:
    """Liveness and readiness probes for orchestrators."""

    def __init__(self, core: CoreStatus) -> None:
        self._core = core

    async def healthz(self, _: web.Request) -> web.Response:
        return json_reply(200, ProbeReply("ok"))

    async def readyz(self, _: web.Request) -> web.Response:
        """200 if the reader and the writer reply. A link that is down does not matter: its backend
        retains the records that are not ingested yet. Nor does a process of derived data, without
        which NOVA serves; its state is listed.
        """
        status = await self._core.get()
        if status is None:
            return json_reply(503, ProbeReply("the Core's reader does not answer"))
        if not status.writer_connected:
            text = "the Core's writer does not answer: the archive is served as it was"
            return json_reply(503, ProbeReply(text, processes=_unready(status.processes)))
        return json_reply(
            200, ProbeReply("ready", _links_by_state(status.links), _unready(status.processes))
        )


def _unready(processes: Sequence[ProcessInfo]) -> dict[str, str] | None:
    """The states of processes that are not ready; None if all are."""
    return {one.name: one.state for one in processes if one.state != "ready"} or None


def _links_by_state(links: Sequence[LinkInfo]) -> dict[str, int]:
    counts = {"connected": 0, "unreachable": 0}
    for link in links:
        if link.connection in counts:
            counts[link.connection] += 1
    return counts
