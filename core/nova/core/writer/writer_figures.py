"""What the writer measures of its commits and of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Histogram

from nova.core.commit_feed import WriterMetrics
from nova.core.metrics.cache_metrics import cache_metrics
from nova.core.metrics.collected import LATENCY_BUCKETS_S, collected
from nova.core.store.archive import Archive
from nova.core.writer.feed_server import FeedServer
from nova.sdk.process_metrics import process_metrics
from nova.sdk.protocol.health import ConfiguredFiles
from nova.sdk.protocol.metric_messages import Metric, gauge

PROCESS = "writer"
PUBLISH_INTERVAL_S = 1.0


class WriterFigures:
    """Latencies of the pipeline, and how much waits for its stages."""

    def __init__(
        self,
        archive: Archive,
        waiting: Mapping[str, Callable[[], int]],
        configured: Callable[[], list[ConfiguredFiles]] = list,
    ) -> None:
        """`waiting` counts what waits for each stage, `configured` says what is used of files."""
        self._archive = archive
        self._configured = configured
        self._waiting = waiting
        self._registry = CollectorRegistry(auto_describe=False)
        self.commit_seconds = Histogram(
            "nova_commit_seconds",
            "Time to dedupe, stamp and write the records of a commit, before it is synced",
            registry=self._registry,
            buckets=LATENCY_BUCKETS_S,
        )
        self.sync_seconds = Histogram(
            "nova_sync_seconds",
            "Time to make written commits durable (fsync of the log)",
            registry=self._registry,
            buckets=LATENCY_BUCKETS_S,
        )

    async def publish(self, server: FeedServer, interval_s: float = PUBLISH_INTERVAL_S) -> None:
        """Publish the metrics to the readers periodically until cancelled."""
        while True:
            server.publish_metrics(WriterMetrics(self.metrics(), self._configured()))
            await asyncio.sleep(interval_s)

    def metrics(self) -> list[Metric]:
        """The present values."""
        waiting = gauge("nova_writer_waiting", "Groups of records that wait for a stage")
        for stage, count in self._waiting.items():
            waiting.add(count(), stage=stage)
        return [
            *process_metrics(PROCESS),
            *collected(self._registry),
            *cache_metrics(PROCESS, self._archive),
            waiting,
        ]
