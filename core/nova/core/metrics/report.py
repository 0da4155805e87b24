"""How a process without clients brings its metrics to the reader, which serves them.

It posts them to the reader's socket, and nothing waits for them: while the reader is away they are
dropped, and the next ones follow soon.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

import aiohttp
import msgspec

from nova.sdk import endpoints
from nova.sdk.errors import NovaError
from nova.sdk.process_metrics import process_metrics
from nova.sdk.protocol.health import ConfiguredFiles
from nova.sdk.protocol.metric_messages import Metric

METRICS_PATH = "/process-metrics"
REPORT_INTERVAL_S = 2.0
REPORT_TIMEOUT_S = 5.0

MetricSource = Callable[[], Iterable[Metric]]
CursorSource = Callable[[], dict[str, int]]
ConfiguredSource = Callable[[], list[ConfiguredFiles]]

log = logging.getLogger(__name__)


class ProcessReport(msgspec.Struct, kw_only=True):
    """The metrics of one process, by its name in the instance, the cursors of what it derives:
    canonical times in ns by name, and what it uses of files.
    """

    process: str
    metrics: list[Metric]
    cursors: dict[str, int] = {}
    configured: list[ConfiguredFiles] = []


async def report_metrics(
    process: str,
    data: Path,
    source: MetricSource,
    cursors: CursorSource = dict,
    interval_s: float = REPORT_INTERVAL_S,
    configured: ConfiguredSource = list,
) -> None:
    """Report a process's own metrics, those of `source`, its cursors, and what it uses of files,
    again and again until cancelled.
    """
    timeout = aiohttp.ClientTimeout(total=REPORT_TIMEOUT_S)
    while True:
        try:
            connector = aiohttp.UnixConnector(str(endpoints.reader_socket(data)))
            async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
                while True:
                    await _post(session, _report(process, source, cursors, configured))
                    await asyncio.sleep(interval_s)
        except (aiohttp.ClientError, OSError, TimeoutError, NovaError) as error:
            log.debug("metrics not reported", extra={"context": {"error": str(error)}})
        await asyncio.sleep(interval_s)


def _report(
    process: str, source: MetricSource, cursors: CursorSource, configured: ConfiguredSource
) -> ProcessReport:
    metrics = [*process_metrics(process), *source()]
    return ProcessReport(
        process=process, metrics=metrics, cursors=cursors(), configured=configured()
    )


async def _post(session: aiohttp.ClientSession, report: ProcessReport) -> None:
    body = msgspec.json.encode(report)
    async with session.post(f"http://localhost{METRICS_PATH}", data=body) as reply:
        if not reply.ok:
            log.warning("metrics refused", extra={"context": {"error": await reply.text()}})
