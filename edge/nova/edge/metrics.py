"""`/metrics`: figures of the Core and its links, in the Prometheus text format."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from nova.edge.core_status import CoreStatus
from nova.edge.replies import error_reply
from nova.sdk import timestamps
from nova.sdk.protocol.messages import LinkInfo, StatusResponse
from nova.sdk.timestamps import NS_PER_SECOND

TOKEN_VARIABLE = "NOVA_METRICS_TOKEN"
PROXY_HEADERS = ("X-Forwarded-For", "Forwarded")
REMOTE_REFUSED = (
    f"metrics are served to this machine only, unless {TOKEN_VARIABLE} is set and sent as "
    "Authorization: Bearer TOKEN"
)


class MetricsHandler:
    """Serves metrics to this machine; with a token, to other machines too."""

    def __init__(
        self, core: CoreStatus, token: str | None, submissions: Mapping[tuple[str, str], int]
    ) -> None:
        self._core = core
        self._submissions = submissions
        self._token = token

    async def get(self, request: web.Request) -> web.Response:
        """The metrics, at most one second old."""
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        status = await self._core.get()
        if status is None:
            return error_reply(503, "coreUnavailable", "the Core's reader does not answer")
        registry = CollectorRegistry(auto_describe=False)
        registry.register(StatusCollector(status, self._submissions))
        headers = {"Content-Type": CONTENT_TYPE_PLAIN_0_0_4, "Cache-Control": "no-store"}
        return web.Response(body=generate_latest(registry), headers=headers)

    def _refusal(self, request: web.Request) -> web.Response | None:
        if self._token is not None:
            given = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if hmac.compare_digest(given.encode(), self._token.encode()):
                return None
            bearer = {"WWW-Authenticate": "Bearer"}
            return error_reply(401, "unauthorized", "metrics require their token", bearer)
        if _is_loopback(request.remote) and not any(h in request.headers for h in PROXY_HEADERS):
            return None
        return error_reply(403, "forbidden", REMOTE_REFUSED)


class StatusCollector(Collector):
    """Converts one status reply of the Core to metrics."""

    def __init__(self, status: StatusResponse, submissions: Mapping[tuple[str, str], int]) -> None:
        self._status = status
        self._submissions = submissions

    def collect(self) -> Iterable[Metric]:
        yield from self._archive()
        yield from _links(self._status.links)
        yield self._submissions_metric()

    def _submissions_metric(self) -> Metric:
        counted = CounterMetricFamily(
            "nova_submissions", "Submissions by outcome", labels=SUBMISSION_LABELS
        )
        for (kind, outcome), count in sorted(self._submissions.items()):
            counted.add_metric(["edge", kind, outcome], count)
        for one in self._status.submissions:
            counted.add_metric(["core", one.kind, one.outcome], one.count)
        return counted

    def _archive(self) -> Iterator[Metric]:
        status = self._status
        yield _counter("events", "Events in the archive", status.events)
        yield _counter("duplicates", "Records dropped as duplicates", status.duplicates)
        yield _counter("rejects", "Records in the reject log", status.rejects)
        clashes, unknown = status.request_clashes, status.unknown_commands
        yield _counter("request_clashes", "Requests that reused a requestId", clashes)
        yield _counter("unknown_commands", "Progress and results of unknown commands", unknown)
        failures = status.file_failures
        yield _counter("file_failures", "Failed writes of the daily files", failures)
        remade = status.derived_remade
        yield _counter("derived_remade", "Rebuilds of damaged samples or checkpoints", remade)
        yield _gauge("series", "Series in the archive", status.series)
        yield _gauge("disk_bytes", "Bytes of the archive on disk", status.bytes_on_disk)
        yield _gauge("writer_connected", "1 while the writer is connected", status.writer_connected)
        if status.durable_time is not None:
            at = _seconds(status.durable_time)
            yield _gauge("durable_time_seconds", "Canonical time of the newest durable event", at)


def _links(links: Iterable[LinkInfo]) -> Iterator[Metric]:
    received = CounterMetricFamily("nova_link_records", "Records by outcome", labels=OUTCOME_LABELS)
    gaps = CounterMetricFamily("nova_link_gaps", "Ranges never read", labels=LINK_LABELS)
    outages = CounterMetricFamily("nova_link_outages", "Outages since start", labels=LINK_LABELS)
    connected = GaugeMetricFamily("nova_link_connected", "1 while connected", labels=LINK_LABELS)
    lag = GaugeMetricFamily("nova_link_lag_records", "Records unread", labels=LINK_LABELS)
    seen = GaugeMetricFamily(
        "nova_link_last_seen_seconds", "Time of last record", labels=LINK_LABELS
    )
    streams = GaugeMetricFamily("nova_stream_lag_records", "Records unread", labels=STREAM_LABELS)
    for link in links:
        for outcome in ("new", "duplicate", "rejected"):
            received.add_metric([link.link, outcome], getattr(link, outcome))
        gaps.add_metric([link.link], link.gaps)
        outages.add_metric([link.link], link.outages)
        connected.add_metric([link.link], link.connection == "connected")
        if link.lag is not None:
            lag.add_metric([link.link], link.lag)
        if link.last_seen is not None:
            seen.add_metric([link.link], _seconds(link.last_seen))
        for stream, behind in link.lag_by_stream.items():
            streams.add_metric([link.link, stream], behind)
    yield from (received, gaps, outages, connected, lag, seen, streams)


LINK_LABELS = ("link",)
OUTCOME_LABELS = ("link", "outcome")
STREAM_LABELS = ("link", "stream")
SUBMISSION_LABELS = ("at", "kind", "outcome")


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"nova_{name}", text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"nova_{name}", text, value=value)


def _seconds(time: str) -> float:
    return timestamps.parse(time) / NS_PER_SECOND


def _is_loopback(host: str | None) -> bool:
    try:
        return host is not None and ip_address(host).is_loopback
    except ValueError:
        return False
