"""How many exports of a reader have ended, and how."""

from __future__ import annotations

from collections.abc import Awaitable

from nova.sdk.protocol.export import ExportComplete, ExportEnd
from nova.sdk.protocol.metric_messages import Metric, counter, gauge


class ExportFigures:
    """Counts since this reader started."""

    def __init__(self) -> None:
        self._outcomes = {"complete": 0, "failed": 0, "cancelled": 0}

    async def counted(self, run: Awaitable[ExportEnd]) -> ExportEnd:
        """Await an export and count its end."""
        outcome = "cancelled"
        try:
            end = await run
            outcome = "complete" if isinstance(end, ExportComplete) else "failed"
            return end
        finally:
            self._outcomes[outcome] += 1

    def metrics(self, running: int, kept_bytes: int) -> list[Metric]:
        """The counts, with the exports that run and the size of those that are kept."""
        ended = counter("nova_exports_total", "Exports that have ended, by outcome")
        for outcome, count in self._outcomes.items():
            ended.add(count, outcome=outcome)
        return [
            ended,
            gauge("nova_exports_running", "Exports that run").add(running),
            gauge("nova_exports_bytes", "Size of the exports that are kept").add(kept_bytes),
        ]
