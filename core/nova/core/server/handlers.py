"""The handlers of a reader's requests: one function per message type, all of one shape."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple

import msgspec

from nova.core.effect import moment
from nova.core.errors import RequestError
from nova.core.query import entity_page, fields, neighbour, recording_query, summary
from nova.core.query.alarm_existence import entity_of_action, require_alarm
from nova.core.query.event_filter import EventFilter
from nova.core.query.latest import encode_latest
from nova.core.query.manifest_page import ManifestPage, is_manifest_key, manifest_page
from nova.core.query.memory_budget import Share
from nova.core.query.page import parse_time_or, range_cursor_of, read_page
from nova.core.query.rejects import rejects
from nova.core.query.text_query import encode_found, read_found, text_cursor_of
from nova.core.query.visibility import Visibility
from nova.core.server import instance_metrics
from nova.core.server.active_stream import ActiveStream, StreamRequest
from nova.core.server.export_requests import ExportRequests
from nova.core.server.principal import visibility_of
from nova.core.server.push import Push
from nova.core.server.services import Services
from nova.core.submission_messages import Principal
from nova.sdk import timestamps
from nova.sdk.protocol import export, messages, timeline
from nova.sdk.protocol.alarm_messages import (
    ActOnAlarm,
    AlarmHistory,
    Alarms,
    AlarmsFollowed,
    FollowAlarms,
    UnfollowAlarms,
)
from nova.sdk.protocol.column_messages import Columns
from nova.sdk.protocol.export import ExportRequest
from nova.sdk.protocol.follow_stream import FollowStream
from nova.sdk.protocol.messages import Filters, Message
from nova.sdk.protocol.note_messages import SubmitNote
from nova.sdk.protocol.submission import (
    AcknowledgeAlarm,
    ImportEvents,
    Submission,
    SubmitChat,
    SubmitCommand,
)
from nova.sdk.timestamps import NS_MIN

LIMITED_REJECTS = "the reject log is of all scopes and lanes: your access is limited to some"
LIMITED_METRICS = "metrics count all scopes and lanes: your access is limited to some"


class RequestContext(NamedTuple):
    """What a handler may use: the services, who asks, its budget, and what the connection owns.

    Whatever reads events does so with `event_filter` or `visibility`, which hide what the principal
    may not see.
    """

    services: Services
    principal: Principal
    share: Share
    stream: ActiveStream
    exports: ExportRequests
    alarm_push: Push
    status_push: Push
    request: Message

    @property
    def visibility(self) -> Visibility:
        """What the principal may see with this request."""
        return visibility_of(self.principal).of_request(self.request)

    def event_filter(self, filters: Filters) -> EventFilter:
        """The filters of a request, within what the principal may see."""
        return EventFilter(filters, self.services.snapshot.series, self.visibility)


Reply = Message | bytes | None
"""A message; an encoded page, whose size is checked against the budget; or None where the handler
has replied itself.
"""

Handler = Callable[[RequestContext, Any], Awaitable[Reply]]


async def _query(context: RequestContext, request: messages.Query) -> Reply:
    services = context.services
    timebase = services.timebase(request.timebase)
    range_cursor = range_cursor_of(services.snapshot, request, timebase, context.visibility)
    page = await read_page(range_cursor, request.limit, context.share.page_bytes)
    more: dict[str, object] = {} if page.next_key is None else {"nextKey": page.next_key}
    if given_back := range_cursor.given_back():
        more["givenBack"] = msgspec.to_builtins(given_back)
    return messages.events_frame("queryResponse", request.ref, page.events, more)


async def _discover(context: RequestContext, request: messages.Discover) -> Reply:
    services = context.services
    at = services.moment(request)
    services.snapshot.refresh()
    after_key, max_bytes = request.after_key, context.share.page_bytes
    published = ManifestPage([], None)
    if request.manifests and is_manifest_key(after_key):
        published = manifest_page(services.published.manifests(at), after_key, max_bytes)
        after_key, max_bytes = None, max_bytes - published.size_bytes
    page = entity_page.EntityPage([], published.next_key)
    if published.next_key is None:
        wanted = context.event_filter(request.filters)
        page = await services.discovery.page(
            wanted, at, request.limit, after_key, max_bytes, request.received_after
        )
    time = timestamps.text(at.time_ns)
    return entity_page.encode_page(request.ref, time, page, published.manifests)


async def _latest(context: RequestContext, request: messages.Latest) -> Reply:
    services = context.services
    at = services.moment(request)
    services.snapshot.refresh()
    page = await services.latest.page(
        context.event_filter(request.filters),
        request.fields,
        at,
        limit=request.limit,
        after_key=request.after_key,
        max_bytes=context.share.page_bytes,
    )
    return encode_latest(request, at.time_ns, page)


async def _ui_state(context: RequestContext, request: messages.GetUiState) -> Reply:
    at = context.services.moment(request)
    page_bytes = context.share.page_bytes
    states = await context.services.ui_states.respond(
        request, at.timebase, at.time_ns, page_bytes, context.visibility
    )
    states.ref = request.ref
    return messages.encode(states)


async def _rejects(context: RequestContext, request: messages.Rejects) -> Reply:
    if context.visibility.is_limited:
        raise RequestError("forbidden", LIMITED_REJECTS)
    page = await rejects(context.services.snapshot, request, context.share.page_bytes)
    page.ref = request.ref
    return messages.encode(page)


async def _status(context: RequestContext, _request: messages.Status) -> Reply:
    return context.services.status.read(is_limited=context.visibility.is_limited)


async def _follow_status(context: RequestContext, _request: messages.FollowStatus) -> Reply:
    await context.status_push.close()
    live = context.services.status
    found, subscription = live.subscribe(is_limited=context.visibility.is_limited)
    await context.status_push.start(subscription.messages, lambda: live.unsubscribe(subscription))
    return found


async def _metrics(context: RequestContext, _request: messages.Metrics) -> Reply:
    if context.visibility.is_limited:
        raise RequestError("forbidden", LIMITED_METRICS)
    return messages.MetricsResponse(metrics=instance_metrics.metrics(context.services))


async def _links(context: RequestContext, _request: messages.Links) -> Reply:
    return messages.LinksResponse(links=context.services.links.describe(context.services.snapshot))


async def _fields(context: RequestContext, request: timeline.Fields) -> Reply:
    return fields.list_fields(context.services.snapshot, request, context.visibility)


async def _summary(context: RequestContext, request: timeline.Summary) -> Reply:
    services = context.services
    timebase = services.timebase(request.timebase)
    return await summary.summarize(services.snapshot, request, timebase, context.visibility)


async def _sample(context: RequestContext, request: timeline.Sample) -> Reply:
    services = context.services
    timebase = services.timebase(request.timebase)
    return await services.samples.respond(request, timebase, context.visibility)


async def _alarms(context: RequestContext, request: Alarms) -> Reply:
    services = context.services
    at = services.moment(request)
    reply = await services.alarms.queries.alarms(request, at, context.event_filter(request.filters))
    reply.ref = request.ref
    return messages.encode(reply)


async def _alarm_history(context: RequestContext, request: AlarmHistory) -> Reply:
    services = context.services
    timebase = services.timebase(request.timebase)
    now = moment.now(timebase, services.snapshot.watermark)
    start_ns = parse_time_or("startTime", request.start_time, NS_MIN)
    stop_ns = parse_time_or("stopTime", request.stop_time, now.time_ns)
    reply = await services.alarms.queries.history(
        request,
        timebase,
        (start_ns, stop_ns),
        now.time_ns,
        context.event_filter(request.filters),
    )
    reply.ref = request.ref
    return messages.encode(reply)


async def _follow_alarms(context: RequestContext, request: FollowAlarms) -> Reply:
    timebase = context.services.timebase(request.timebase)
    await context.alarm_push.close()
    live, wanted = context.services.alarms, context.event_filter(request.filters)
    one = live.subscribe(timebase, wanted, request.rule)
    following = partial(one.messages, request.follow_id)
    await context.alarm_push.start(following, lambda: live.unsubscribe(timebase, one))
    return AlarmsFollowed(follow_id=request.follow_id)


async def _unfollow_alarms(context: RequestContext, _request: UnfollowAlarms) -> Reply:
    await context.alarm_push.close()
    return AlarmsFollowed()


async def _find(context: RequestContext, request: timeline.Find) -> Reply:
    services = context.services
    timebase = services.timebase(request.timebase)
    return await services.findings.respond(request, timebase, context.visibility)


async def _find_text(context: RequestContext, request: timeline.FindText) -> Reply:
    services = context.services
    timebase = services.timebase(request.timebase)
    cursor = text_cursor_of(services.snapshot, request, timebase, context.visibility)
    found = await read_found(cursor, request.limit, context.share.page_bytes)
    return encode_found(request, timebase, found, cursor.given_back())


async def _recordings(context: RequestContext, request: timeline.Recordings) -> Reply:
    snapshot, timebase = context.services.snapshot, context.services.timebase(request.timebase)
    return await recording_query.recordings(snapshot, request, timebase, context.visibility)


async def _columns(context: RequestContext, request: Columns) -> Reply:
    services = context.services
    timebase = services.timebase(request.timebase)
    return await services.columns.respond(
        request, timebase, context.share.held_bytes, context.visibility
    )


async def _extent(context: RequestContext, request: timeline.Extent) -> Reply:
    services = context.services
    timebase = services.timebase(request.timebase)
    return await neighbour.extent(services.snapshot, timebase, context.visibility)


async def _neighbour(context: RequestContext, request: timeline.Neighbour) -> Reply:
    services = context.services
    timebase = services.timebase(request.timebase)
    return await neighbour.neighbour(services.snapshot, request, timebase, context.visibility)


async def _submit(context: RequestContext, request: Submission) -> Reply:
    return await context.services.submissions.submit(context.principal, request)


async def _act_on_alarm(context: RequestContext, request: ActOnAlarm) -> Reply:
    services = context.services
    if services.snapshot.series.has_entity(entity_of_action(request)):
        await require_alarm(services.alarms.queries, services.snapshot, request)
    return await _submit(context, request)


async def _stream(context: RequestContext, request: StreamRequest) -> Reply:
    await context.stream.handle(request)
    return None


async def _follow(context: RequestContext, request: FollowStream) -> Reply:
    owner = context.services.timelines.find(request.connection)
    if owner is None:
        raise RequestError(
            "notFound",
            f"no connection {request.connection!r} of this reader is open: it has ended, or is "
            "another reader's",
        )
    if owner is context.stream.timeline or owner.is_following:
        raise RequestError(
            "badRequest",
            f"connection {request.connection!r} has no timeline of its own to follow: it is this "
            "one, or follows another",
        )
    await context.stream.follow(request, owner)
    return None


async def _export(context: RequestContext, request: ExportRequest) -> Reply:
    await context.exports.handle(request, context.services.timebase)
    return None


HANDLERS: dict[type[Message], Handler] = {
    messages.Query: _query,
    messages.Discover: _discover,
    messages.Latest: _latest,
    messages.GetUiState: _ui_state,
    messages.Rejects: _rejects,
    messages.Status: _status,
    messages.FollowStatus: _follow_status,
    messages.Links: _links,
    messages.Metrics: _metrics,
    timeline.Fields: _fields,
    timeline.Summary: _summary,
    timeline.Sample: _sample,
    timeline.Find: _find,
    timeline.FindText: _find_text,
    timeline.Recordings: _recordings,
    Columns: _columns,
    Alarms: _alarms,
    AlarmHistory: _alarm_history,
    FollowAlarms: _follow_alarms,
    UnfollowAlarms: _unfollow_alarms,
    timeline.Extent: _extent,
    timeline.Neighbour: _neighbour,
    messages.StartStream: _stream,
    messages.CancelStream: _stream,
    messages.SetCursor: _stream,
    FollowStream: _follow,
    export.Export: _export,
    export.CancelExport: _export,
    export.Drivers: _export,
    SubmitCommand: _submit,
    SubmitChat: _submit,
    SubmitNote: _submit,
    AcknowledgeAlarm: _submit,
    ActOnAlarm: _act_on_alarm,
    ImportEvents: _submit,
}
"""Every request to a reader and its handler."""
