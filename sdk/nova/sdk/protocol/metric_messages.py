"""Protocol messages of metrics: what `/metrics` serves as text, as messages.

Names, labels and meaning are those of Prometheus. Counters and histograms grow while a process
lives and begin at 0 again when it is restarted; those of the archive never begin again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from nova.sdk.protocol.message import Message

MetricKind = Literal["counter", "gauge", "histogram"]


class Metrics(Message, kw_only=True, tag="metrics"):
    """Request all metrics. An edge adds its own to those of the Core."""


class MetricSample(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """One value. `name` is given where it is not the metric's: a histogram has the samples
    `NAME_bucket` (counts up to the label `le`), `NAME_sum` and `NAME_count`.
    """

    value: float
    name: str | None = None
    labels: dict[str, str] = msgspec.field(default_factory=dict)


class Metric(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """One metric with a sample for each combination of its labels."""

    name: str
    kind: MetricKind
    help: str
    samples: list[MetricSample] = msgspec.field(default_factory=list)

    def add(self, value: float, **labels: str) -> Metric:
        """Add a sample; returns the metric."""
        self.samples.append(MetricSample(value=value, labels=labels))
        return self


class MetricsResponse(Message, kw_only=True, tag="metricsResponse"):
    """Metrics, ordered by name. Those of a process that does not run are absent, and its `nova_up`
    is 0.
    """

    metrics: list[Metric]


def merged(metrics: Iterable[Metric]) -> list[Metric]:
    """Metrics ordered by name, the samples of equal names together."""
    by_name: dict[str, Metric] = {}
    for metric in metrics:
        known = by_name.get(metric.name)
        if known is None:
            by_name[metric.name] = msgspec.structs.replace(metric, samples=list(metric.samples))
        else:
            known.samples += metric.samples
    return [by_name[name] for name in sorted(by_name)]


def counter(name: str, text: str) -> Metric:
    """A counter without samples, whose name ends in `_total`."""
    return Metric(name=name, kind="counter", help=text)


def gauge(name: str, text: str) -> Metric:
    """A gauge without samples."""
    return Metric(name=name, kind="gauge", help=text)
