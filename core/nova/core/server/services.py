"""The services of a reader: what all of its sessions share."""

from __future__ import annotations

from dataclasses import dataclass

from nova.core.effect import moment
from nova.core.effect.moment import Moment
from nova.core.effect.published import PublishedMetadata
from nova.core.ordering import Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.column_query import ColumnQueries
from nova.core.query.discover import Discovery
from nova.core.query.find_query import FindQueries
from nova.core.query.latest_query import LatestQueries
from nova.core.query.memory_budget import MemoryBudget
from nova.core.query.page import parse_time_or
from nova.core.query.sample_query import SampleQueries
from nova.core.query.ui_state import UiStates
from nova.core.server.audit_intake import AuditRecorder
from nova.core.server.export_jobs import ExportJobs
from nova.core.server.followed_status import LiveStatus
from nova.core.server.link_registry import LinkRegistry
from nova.core.server.live_alarms import LiveAlarms
from nova.core.server.live_stream import LiveTail
from nova.core.server.metrics_board import MetricsBoard
from nova.core.server.owner_timeline import OwnerTimelines
from nova.core.server.reader_metrics import ReaderMetrics
from nova.core.server.submission_client import SubmissionClient
from nova.sdk.process_states import ProcessStates
from nova.sdk.protocol.alarm_messages import Alarms
from nova.sdk.protocol.messages import Discover, GetUiState, Latest
from nova.sdk.settings import Settings
from nova.sdk.timestamps import NS_MAX


@dataclass(frozen=True, slots=True)
class Services:
    """One archive snapshot and everything that answers requests from it."""

    settings: Settings
    snapshot: ArchiveSnapshot
    tail: LiveTail
    links: LinkRegistry
    samples: SampleQueries
    findings: FindQueries
    columns: ColumnQueries
    ui_states: UiStates
    alarms: LiveAlarms
    status: LiveStatus
    published: PublishedMetadata
    discovery: Discovery
    submissions: SubmissionClient
    audit: AuditRecorder
    exports: ExportJobs
    budget: MemoryBudget
    timelines: OwnerTimelines
    processes: ProcessStates
    metrics: ReaderMetrics
    other_metrics: MetricsBoard
    pending_max_events: int
    """Events that may wait for a client whose stream conflates."""

    @property
    def latest(self) -> LatestQueries:
        """Answers from the samples that Columns requests read."""
        return LatestQueries(self.snapshot, self.columns.derived, self.columns.tails)

    def timebase(self, requested: Timebase | None) -> Timebase:
        """The timebase of a request, or the instance's default."""
        return requested or self.settings.chosen_timebase()

    def moment(self, request: Discover | Latest | GetUiState | Alarms) -> Moment:
        """The time given in a request, or now; raises RequestError."""
        timebase = self.timebase(request.timebase)
        if request.time is None:
            return moment.now(timebase, self.snapshot.watermark)
        return moment.moment_at(timebase, parse_time_or("time", request.time, NS_MAX))
