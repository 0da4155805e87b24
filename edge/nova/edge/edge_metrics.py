"""The metrics of an instance as one edge serves them: its own, and those of the Core."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from nova.edge.access import Access
from nova.edge.connections import LimitedConnection
from nova.edge.core_status import CoreMetrics
from nova.edge.running_streams import TcpStreams
from nova.edge.unsent import UnsentFrames
from nova.sdk.errors import ProtocolError
from nova.sdk.process_metrics import process_metrics
from nova.sdk.protocol.metric_messages import (
    Metric,
    MetricsResponse,
    counter,
    gauge,
    merged,
)

LIMITED = "metrics count all scopes and lanes: your access is limited to some"


class EdgeMetrics:
    """Collects metrics on request; nothing is counted for them alone."""

    def __init__(
        self,
        core: CoreMetrics,
        submissions: Mapping[tuple[str, str], int],
        connections: Iterable[LimitedConnection],
        unsent: UnsentFrames,
        tcp_streams: TcpStreams,
    ) -> None:
        self._core = core
        self._submissions = submissions
        self._connections = connections
        self._unsent = unsent
        self._tcp_streams = tcp_streams

    async def reply(self, access: Access) -> MetricsResponse:
        """The reply to a `metrics` message; raises ProtocolError."""
        if access.is_limited:
            raise ProtocolError("forbidden", LIMITED)
        return MetricsResponse(metrics=await self.metrics())

    async def metrics(self) -> list[Metric]:
        """The metrics of all processes that run; those of the Core are kept for a second."""
        core = await self._core.get()
        up = gauge("nova_up", "1 while a process runs and reports, 0 while it does not")
        up.add(1, process="edge")
        if core is None:
            up.add(0, process="reader")
        of_core = [] if core is None else core.metrics
        return merged([up, *process_metrics("edge"), *self._own(), *of_core])

    def _own(self) -> Iterator[Metric]:
        clients = gauge("nova_clients", "Connections of clients to the edge")
        authenticated = [one.authenticated for one in self._connections]
        clients.add(authenticated.count(True), state="authenticated")
        clients.add(authenticated.count(False), state="unauthenticated")
        yield clients
        unsent = gauge("nova_unsent_bytes", "Bytes of frames that clients have not read yet")
        yield unsent.add(self._unsent.size_bytes)
        statuses = self._tcp_streams.statuses()
        streams = gauge("nova_tcp_streams", "TCP streams that this edge runs")
        listening = sum(one.listening for one in statuses)
        streams.add(listening, state="listening")
        yield streams.add(len(statuses) - listening, state="failing")
        of_streams = gauge("nova_tcp_clients", "Clients of TCP streams")
        yield of_streams.add(sum(one.connections for one in statuses))
        submissions = counter("nova_submissions_total", "Submissions by outcome")
        for (kind, outcome), count in sorted(self._submissions.items()):
            submissions.add(count, at="edge", kind=kind, outcome=outcome)
        yield submissions
