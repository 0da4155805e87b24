"""What a reader counts of its requests, connections and streams."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Protocol, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram

from nova.core.metrics.collected import LATENCY_BUCKETS_S, collected
from nova.sdk.protocol.follow_stream import ReaderRequest
from nova.sdk.protocol.message import Message
from nova.sdk.protocol.metric_messages import Metric, gauge

STREAM_MODES = ("live", "replay", "follow")


class StreamingConnection(Protocol):
    """A client's connection, as the metrics see it."""

    @property
    def stream_mode(self) -> str | None:
        """One of STREAM_MODES while a stream runs."""


class ReaderMetrics:
    """One for all sessions of a reader."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        seconds = Histogram(
            "nova_request_seconds",
            "Time from a request to its reply, sent to the client, by message",
            ("type",),
            registry=self._registry,
            buckets=LATENCY_BUCKETS_S,
        )
        self._errors = Counter(
            "nova_request_errors",
            "Requests that were answered with an error, by its code",
            ("code",),
            registry=self._registry,
        )
        kinds: tuple[type[Message], ...] = get_args(ReaderRequest)
        self._seconds = {kind: seconds.labels(kind.__struct_config__.tag) for kind in kinds}
        self.connections: set[StreamingConnection] = set()
        self.sent_bytes = {"reply": 0, "stream": 0}
        """Bytes of frames to clients, counted by the session that sends them."""

    @contextmanager
    def timed(self, kind: type[Message]) -> Iterator[None]:
        """Measure a request of a type while the block runs."""
        since = perf_counter()
        try:
            yield
        finally:
            self._seconds[kind].observe(perf_counter() - since)

    def count_error(self, code: str) -> None:
        """Count a request that is answered with an error."""
        self._errors.labels(code).inc()

    def metrics(self) -> list[Metric]:
        """The present values."""
        modes = [one.stream_mode for one in self.connections]
        streams = gauge("nova_streams", "Streams that run, by what they show")
        for mode in STREAM_MODES:
            streams.add(modes.count(mode), mode=mode)
        connections = gauge("nova_reader_connections", "Connections to the reader: each client's")
        sent = Metric(
            name="nova_reader_sent_bytes_total", kind="counter", help="Bytes sent to clients"
        )
        for of, size in self.sent_bytes.items():
            sent.add(size, of=of)
        return [*collected(self._registry), streams, connections.add(len(modes)), sent]
