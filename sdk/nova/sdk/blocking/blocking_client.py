"""The Client for programs without an event loop."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import Self, TypeVar

from nova.sdk.blocking.blocking_facade import BlockingFacade
from nova.sdk.client.alarm_requests import FOLLOW_INTERVAL_S
from nova.sdk.client.client import Client
from nova.sdk.client.column_table import ColumnTable
from nova.sdk.client.pending_exports import OnProgress
from nova.sdk.protocol import messages, submission, timeline
from nova.sdk.protocol.alarm_messages import (
    ActOnAlarm,
    AlarmHistory,
    AlarmHistoryResponse,
    Alarms,
    AlarmsResponse,
    AlarmUpdates,
    FollowAlarms,
)
from nova.sdk.protocol.column_messages import Columns
from nova.sdk.protocol.export import DriversResponse, Export, ExportComplete
from nova.sdk.protocol.messages import Filters, StreamChunk, Timebase, TimelineMode
from nova.sdk.protocol.metric_messages import Metric
from nova.sdk.protocol.note_messages import NoteAck, SubmitNote
from nova.sdk.protocol.timeline import StreamGap

ItemT = TypeVar("ItemT")
ReplyT = TypeVar("ReplyT", bound=messages.Reply)


class BlockingClient(BlockingFacade[Client]):
    """A `Client` whose methods return when they are done; streams and queries are iterators.

    Several threads may use it at once. Like every client it has at most one active stream.
    """

    @classmethod
    def to_core(cls, data: Path | str) -> Self:
        """Connect to the reader of a local data folder."""
        return cls(Client.to_core(Path(data)))

    @classmethod
    def to_edge(cls, url: str, token: str) -> Self:
        """Connect to an edge with a token."""
        return cls(Client.to_edge(url, token))

    @classmethod
    def log_in(cls, url: str, username: str, password: str) -> Self:
        """Log in at an edge and connect to it; raises ProtocolError if it refuses."""
        return cls(Client.log_in(url, username, password))

    def request(self, message: messages.Message, reply: type[ReplyT]) -> ReplyT:
        """Send a request and wait for its reply; raises ProtocolError if the reply is an error."""
        return self._thread.run(self._opened.request(message, reply))

    def query(self, query: messages.Query) -> Iterator[bytes]:
        """Stored envelopes of a range, in order, over all pages."""
        for page in self._each(self._opened.query_pages(query)):
            yield from page

    def query_pages(self, query: messages.Query) -> Iterator[list[bytes]]:
        """Like `query`, a list for each page."""
        return self._each(self._opened.query_pages(query))

    def stream(
        self,
        timeline_mode: TimelineMode,
        *,
        start_time: str | None = None,
        stop_time: str | None = None,
        rate: messages.Rate = 1.0,
        timebase: Timebase | None = None,
        filters: Filters | None = None,
        after_key: str | None = None,
        on_gap: Callable[[StreamGap], None] | None = None,
    ) -> Iterator[StreamChunk]:
        """Chunks of a new stream until it completes; leaving the iteration cancels it. `on_gap` is
        called in this thread, before the chunk behind the gap.
        """
        gaps: list[StreamGap] = []
        chunks = self._opened.stream(
            timeline_mode,
            start_time=start_time,
            stop_time=stop_time,
            rate=rate,
            timebase=timebase,
            filters=filters,
            after_key=after_key,
            on_gap=None if on_gap is None else gaps.append,
        )
        for chunk in self._each(chunks):
            while on_gap is not None and gaps:
                on_gap(gaps.pop(0))
            yield chunk

    def _each(self, items: AsyncGenerator[ItemT, None]) -> Iterator[ItemT]:
        try:
            while (found := self._thread.run(_next_of(items))) is not None:
                yield found
        finally:
            # Not waited for: the garbage collector may run this in the loop's own thread.
            if self._thread.is_open:
                self._thread.start(_end(items))

    def set_cursor(self, time: str | None) -> None:
        """Report the time that is displayed while no stream moves it; None is the present."""
        self._thread.run(self._opened.set_cursor(time))

    def cancel_stream(self) -> None:
        """Cancel the active stream; its iteration ends."""
        self._thread.run(self._opened.cancel_stream())

    def discover(self, message: messages.Discover) -> messages.DiscoverResponse:
        """The entities known at a time, over all pages from the message's page on."""
        return self._thread.run(self._opened.discover(message))

    def ui_state(self, message: messages.GetUiState) -> messages.UiStateResponse:
        """The state of views at a time, over all pages from the message's page on."""
        return self._thread.run(self._opened.ui_state(message))

    def latest(self, message: messages.Latest) -> messages.LatestResponse:
        """The last event of every series at a time, over all pages from the message's page on."""
        return self._thread.run(self._opened.latest(message))

    def summary(self, message: timeline.Summary) -> timeline.SummaryResponse:
        """Event counts by time and lane."""
        return self._thread.run(self._opened.summary(message))

    def extent(self, message: timeline.Extent) -> timeline.ExtentResponse:
        """The times of the first and the last event."""
        return self._thread.run(self._opened.extent(message))

    def sample(self, message: timeline.Sample) -> timeline.SampleResponse:
        """Minimum, maximum and mean of numeric fields, by time."""
        return self._thread.run(self._opened.sample(message))

    def find(self, message: timeline.Find) -> timeline.FindResponse:
        """Where the values of a field meet a condition: one page."""
        return self._thread.run(self._opened.find(message))

    def find_text(self, message: timeline.FindText) -> timeline.FindTextResponse:
        """Events that have a text: one page."""
        return self._thread.run(self._opened.find_text(message))

    def recordings(self, message: timeline.Recordings) -> timeline.RecordingsResponse:
        """The stretches of telemetry between silences, newest first: one page."""
        return self._thread.run(self._opened.recordings(message))

    def columns(self, message: Columns) -> ColumnTable:
        """The values of fields over a span as columns, of all pages from the message's page on."""
        return self._thread.run(self._opened.columns(message))

    def fields(self, message: timeline.Fields) -> list[timeline.FieldInfo]:
        """The fields in the newest events of a series, ordered by name, and the kind of each."""
        return self._thread.run(self._opened.fields(message))

    def neighbour(self, message: timeline.Neighbour) -> timeline.NeighbourResponse:
        """The event next to a time."""
        return self._thread.run(self._opened.neighbour(message))

    def submit_command(self, message: submission.SubmitCommand) -> submission.CommandAck:
        """Record and dispatch a command. It may be repeated after a lost connection, with the same
        requestId.
        """
        return self._thread.run(self._opened.submit_command(message))

    def submit_chat(self, message: submission.SubmitChat) -> submission.ChatAck:
        """Send a chat message to all users of a scope."""
        return self._thread.run(self._opened.submit_chat(message))

    def submit_note(self, message: SubmitNote) -> NoteAck:
        """Write a note about a moment or a range, replace one, or withdraw one."""
        return self._thread.run(self._opened.submit_note(message))

    def acknowledge_alarm(self, message: submission.AcknowledgeAlarm) -> submission.AlarmAck:
        """Record that an operator has seen an alarm; the reply has the canonical time."""
        return self._thread.run(self._opened.acknowledge_alarm(message))

    def alarms(self, message: Alarms) -> AlarmsResponse:
        """The alarms at a time, and how many are in which state: one page."""
        return self._thread.run(self._opened.alarms(message))

    def alarm_history(self, message: AlarmHistory) -> AlarmHistoryResponse:
        """The transitions of alarms in a time range: one page."""
        return self._thread.run(self._opened.alarm_history(message))

    def follow_alarms(
        self, message: AlarmHistory, interval_s: float = FOLLOW_INTERVAL_S
    ) -> Iterator[AlarmHistoryResponse]:
        """Pages of transitions as they happen, each transition once, in canonical time."""
        return self._each(self._opened.follow_alarms(message, interval_s))

    def live_alarms(self, message: FollowAlarms) -> Iterator[AlarmUpdates]:
        """The abnormal alarms of the present, then those that change, until cancelled: replace each
        by what comes, and begin anew where a message is `whole`. A connection follows once.
        """
        return self._each(self._opened.live_alarms(message))

    def act_on_alarm(self, message: ActOnAlarm) -> submission.AlarmAck:
        """Acknowledge, comment, shelve, unshelve, disable or enable an alarm."""
        return self._thread.run(self._opened.act_on_alarm(message))

    def import_events(self, message: submission.ImportEvents) -> submission.ImportAck:
        """Import events of kinds that only a Core writes; repeating an import changes nothing."""
        return self._thread.run(self._opened.import_events(message))

    def export(self, message: Export, on_progress: OnProgress | None = None) -> ExportComplete:
        """Export a range to files and wait for completion. An interrupt cancels the export.
        `on_progress` is called in another thread.
        """
        return self._thread.run(self._opened.export(message, on_progress))

    def drivers(self) -> DriversResponse:
        """The drivers that the reader can export with, those of plug-ins too."""
        return self._thread.run(self._opened.drivers())

    def rejects(self, message: messages.Rejects) -> messages.RejectsResponse:
        """Up to `limit` entries of the reject log, from as many pages as they take."""
        return self._thread.run(self._opened.rejects(message))

    def links(self) -> list[messages.LinkInfo]:
        """The state of the transports that the Core consumes from."""
        return self._thread.run(self._opened.links())

    def metrics(self) -> list[Metric]:
        """The metrics of the instance, as Prometheus names them."""
        return self._thread.run(self._opened.metrics())

    def status(self) -> messages.StatusResponse:
        """Counts and state of the Core."""
        return self._thread.run(self._opened.status())


async def _next_of(items: AsyncGenerator[ItemT, None]) -> ItemT | None:
    return await anext(items, None)


async def _end(items: AsyncGenerator[ItemT, None]) -> None:
    await items.aclose()
