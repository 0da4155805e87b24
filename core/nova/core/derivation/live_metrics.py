"""The metrics of live derivation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from nova.core.derivation.live_definition import LiveDefinition
from nova.sdk.protocol.metric_messages import Metric, counter, gauge


class AtWork(Protocol):
    """What is measured."""

    @property
    def live(self) -> Sequence[LiveDefinition]: ...
    @property
    def refused(self) -> int: ...


def live_metrics(work: AtWork) -> Iterator[Metric]:
    """Outputs, failures and states of definitions, by `id@version`."""
    outputs = counter("nova_derivation_outputs_total", "Derived records that were published")
    rows = counter("nova_derivation_failures_total", "Rows without a value because a formula fails")
    stops = counter("nova_derivation_stops_total", "Attempts that ended before their outputs")
    up = gauge("nova_derivation_up", "Whether a definition is derived: 0 while it is stopped")
    refused = counter("nova_derivation_refused_total", "Derived records that the Core refused")
    for one in work.live:
        name, health = one.definition.name, one.health
        outputs.add(health.outputs, definition=name)
        rows.add(health.failures, definition=name)
        stops.add(health.attempts, definition=name)
        up.add(float(health.state != "stopped"), definition=name)
    yield from (outputs, rows, stops, up, refused.add(work.refused))
