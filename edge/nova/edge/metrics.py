"""`GET /metrics`: the metrics of the instance, in Prometheus' text format."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from ipaddress import ip_address
from typing import get_args

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from nova.edge.edge_metrics import LIMITED, EdgeMetrics
from nova.edge.http_admission import HttpAdmission, bearer_token
from nova.edge.replies import error_reply
from nova.sdk.protocol.metric_messages import Metric
from nova.sdk.protocol.submission import Role

TOKEN_VARIABLE = "NOVA_METRICS_TOKEN"
PROXY_HEADERS = ("X-Forwarded-For", "Forwarded")
WHO = "metrics are for users and API keys"


class MetricsHandler:
    """Serves metrics to users and keys without limits of scopes and lanes, to whoever sends
    `token`, and with `is_open` to programs of this machine.
    """

    def __init__(
        self, metrics: EdgeMetrics, admission: HttpAdmission, token: str | None, is_open: bool
    ) -> None:
        self._metrics = metrics
        self._admission = admission
        self._token = token
        self._is_open = is_open

    async def get(self, request: web.Request) -> web.Response:
        """The metrics as text; those of the Core are kept for a second."""
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        registry = CollectorRegistry(auto_describe=False)
        registry.register(MetricCollector(await self._metrics.metrics()))
        headers = {"Content-Type": CONTENT_TYPE_PLAIN_0_0_4, "Cache-Control": "no-store"}
        return web.Response(body=generate_latest(registry), headers=headers)

    def _refusal(self, request: web.Request) -> web.Response | None:
        given = bearer_token(request)
        if self._token is not None and hmac.compare_digest(given.encode(), self._token.encode()):
            return None
        if self._is_open and "Authorization" not in request.headers and _is_of_machine(request):
            return None
        access = self._admission.admit(given, get_args(Role), WHO)
        if isinstance(access, web.Response):
            return access
        return error_reply(403, "forbidden", LIMITED) if access.is_limited else None


class MetricCollector(Collector):
    """Metrics in the form of Prometheus' client library, which writes the text."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Family]:
        for metric in self._metrics:
            family = Family(metric.name.removesuffix("_total"), metric.help, metric.kind)
            for sample in metric.samples:
                family.add_sample(sample.name or metric.name, sample.labels, sample.value)
            yield family


def _is_of_machine(request: web.Request) -> bool:
    """Whether a program of this machine asks, and not a proxy for somebody else."""
    return _is_loopback(request.remote) and not any(
        name in request.headers for name in PROXY_HEADERS
    )


def _is_loopback(host: str | None) -> bool:
    try:
        return host is not None and ip_address(host).is_loopback
    except ValueError:
        return False
