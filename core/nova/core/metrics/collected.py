"""From the metrics of Prometheus' client library to messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from prometheus_client import CollectorRegistry

from nova.sdk.protocol.metric_messages import Metric, MetricKind, MetricSample

COUNTER_SUFFIX = "_total"
CREATED_SUFFIX = "_created"
"""Samples with the time at which the library made a metric, of no use in the text format."""

LATENCY_BUCKETS_S = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip
"""Upper bounds of the buckets of every latency, in seconds."""


def collected(registry: CollectorRegistry) -> Iterator[Metric]:
    """All metrics of a registry, with their present values."""
    for one in registry.collect():
        name = one.name + COUNTER_SUFFIX if one.type == "counter" else one.name
        kind = cast("MetricKind", one.type)
        samples = [
            MetricSample(
                value=sample.value,
                name=None if sample.name == name else sample.name,
                labels=dict(sample.labels),
            )
            for sample in one.samples
            if not sample.name.endswith(CREATED_SUFFIX)
        ]
        yield Metric(name=name, kind=kind, help=one.documentation, samples=samples)
