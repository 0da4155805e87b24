"""The newest metrics of the other processes of the Core, and which of these processes run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec
from aiohttp import web

from nova.core.metrics.report import ProcessReport
from nova.core.server.principal import is_of_instance
from nova.sdk.protocol.health import ConfiguredFiles
from nova.sdk.protocol.metric_messages import Metric, gauge

SILENCE_S = 15.0
"""A process that has not reported its metrics for this long counts as away. Sampler and files have
the lowest priority, and may be late on a busy machine.
"""

_reports = msgspec.json.Decoder(ProcessReport)


class MetricsBoard:
    """Holds what each of `processes` has reported last, and of `others`, which are listed once they
    have reported.
    """

    def __init__(
        self,
        processes: Sequence[str],
        others: Sequence[str] = (),
        silence_s: float = SILENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._processes = processes
        self._others = others
        self._silence_s = silence_s
        self._clock = clock
        self._reported: dict[str, tuple[float, list[Metric]]] = {}
        self._cursors: dict[str, dict[str, int]] = {}
        self._configured: dict[str, list[ConfiguredFiles]] = {}

    def receive(
        self,
        process: str,
        metrics: list[Metric],
        cursors: dict[str, int] | None = None,
        configured: list[ConfiguredFiles] | None = None,
    ) -> None:
        """Replace the metrics of a process, the cursors of what it derives, and what it uses of
        files.
        """
        self._reported[process] = (self._clock(), metrics)
        self._cursors[process] = cursors or {}
        self._configured[process] = configured or []

    def forget(self, process: str) -> None:
        """Drop the metrics of a process that has gone."""
        self._reported.pop(process, None)
        self._cursors.pop(process, None)
        self._configured.pop(process, None)

    async def post(self, request: web.Request) -> web.Response:
        """Serve `POST /process-metrics`, for the processes of this instance alone."""
        if not is_of_instance(request):
            return web.Response(status=403, text="metrics are reported by the instance only")
        try:
            report = _reports.decode(await request.read())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return web.Response(status=400, text=str(error))
        if report.process not in (*self._processes, *self._others):
            return web.Response(status=400, text=f"{report.process[:64]!r} is no process of NOVA")
        self.receive(report.process, report.metrics, report.cursors, report.configured)
        return web.Response()

    def cursors(self) -> dict[str, int]:
        """The cursors of all derived data whose process has reported within `silence_s`."""
        oldest_s = self._clock() - self._silence_s
        return {
            name: cursor_ns
            for process, cursors in self._cursors.items()
            for name, cursor_ns in cursors.items()
            if self._reported[process][0] > oldest_s
        }

    def configured(self) -> list[ConfiguredFiles]:
        """What the processes use of files, as they reported it last."""
        return [one for process in self._processes for one in self._configured.get(process, [])]

    def metrics(self) -> list[Metric]:
        """The metrics of all processes that run, and `nova_up` of each."""
        up = gauge("nova_up", "1 while a process runs and reports, 0 while it does not")
        found = [up]
        oldest_s = self._clock() - self._silence_s
        listed = [*self._processes, *(one for one in self._others if one in self._reported)]
        for process in listed:
            since_s, metrics = self._reported.get(process, (oldest_s, []))
            is_up = since_s > oldest_s
            up.add(int(is_up), process=process)
            found += metrics if is_up else []
        return found
