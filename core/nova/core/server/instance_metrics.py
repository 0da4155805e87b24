"""All metrics of the Core: its archive and links, and what each of its processes reports."""

from __future__ import annotations

from nova.core.server import instance_status
from nova.core.server.services import Services
from nova.core.server.status_metrics import status_metrics
from nova.sdk.process_metrics import process_metrics
from nova.sdk.protocol.metric_messages import Metric, gauge, merged


def metrics(services: Services) -> list[Metric]:
    """The metrics of every process of the Core that runs."""
    status = instance_status.status(
        services.snapshot,
        services.settings,
        services.links,
        services.submissions,
        services.processes,
    )
    up = gauge("nova_up", "1 while a process runs and reports, 0 while it does not")
    return merged(
        [
            up.add(1, process="reader"),
            *process_metrics("reader"),
            *status_metrics(status),
            *services.metrics.metrics(),
            *services.other_metrics.metrics(),
        ]
    )
