"""The command handler: checks a command, records it, and dispatches it once
(docs/decisions/0006-a-command-is-sent-at-most-once.md).

    refused ─ an error; nothing is written
    recorded ─ the CommandRequest, its CommandSubmitted for audit, and a dispatch record with
        `is_begun` false are durable
    begun ─ `is_begun` is durable; only then is the transport called
    over ─ the dispatch record is removed; after a failure, a CommandResult says so

A process that ends at any point leaves one of these states. The next process ends every unfinished
command with a failure and sends nothing: if the dispatch was not begun, the command was certainly
not sent; if it was begun, it may have been.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from nova.core.errors import ArchiveDamagedError, RequestError
from nova.core.ordering import order_key
from nova.core.store import catalog
from nova.core.store.catalog import Dispatch
from nova.core.submission_messages import Principal
from nova.core.writer.actions import ArgumentChecker
from nova.core.writer.audit_trail import audit_event
from nova.core.writer.command_targets import CommandTarget, TargetFinder
from nova.core.writer.commit_queue import CommitQueue
from nova.core.writer.committer import Committer
from nova.core.writer.dispatcher import Dispatcher, unreachable_reason
from nova.sdk import log_context, timestamps
from nova.sdk.errors import CanonicalError, EnvelopeError, ProtocolError
from nova.sdk.events.audit_entry import new_entry
from nova.sdk.events.canonical import canonical_json
from nova.sdk.events.envelope import CommandRequest
from nova.sdk.events.event import Event, check, check_stored
from nova.sdk.field_types import JsonObject
from nova.sdk.protocol.submission import CommandAck, SubmitCommand, check_payload
from nova.sdk.transport.base import Transport

NOT_DISPATCHED = "not dispatched: restart"
DISPATCH_UNKNOWN = "dispatch unknown: restart; it may have been sent or not"
NOT_SENT = "not dispatched: {}"
MAYBE_SENT = "dispatch failed: {}; it may have been sent or not"
TOO_LATE = "it could not be sent within {:g} s of its receipt"
ERROR_MAX_CHARS = 1_000
DISPATCH_WITHIN_S = 10.0
"""The longest time from a reader's receipt of a command to the call of its transport. After that
the command must not be sent any more: its client has had no reply and may have acted otherwise.
"""

log = logging.getLogger(__name__)


class CommandHandler:
    """Handles the commands that are submitted to this Core, not those that transports deliver."""

    def __init__(
        self,
        committer: Committer,
        queue: CommitQueue,
        targets: TargetFinder,
        actions: ArgumentChecker,
        dispatcher: Dispatcher,
        envelope_max_bytes: int,
        dispatch_within_s: float = DISPATCH_WITHIN_S,
    ) -> None:
        self.dispatch_within_s = dispatch_within_s
        self._committer = committer
        self._queue = queue
        self._targets = targets
        self._actions = actions
        self._dispatcher = dispatcher
        self._envelope_max_bytes = envelope_max_bytes
        self._locks: dict[bytes, tuple[asyncio.Lock, int]] = {}

    async def submit(
        self, principal: Principal, request: SubmitCommand, received_s: float
    ) -> CommandAck:
        """Record a principal's command and send it; `received_s` is when a reader received it, by
        `time.monotonic`. Raises RequestError if it is refused.
        """
        key = catalog.request_key(request.scope_id, request.request_id)
        async with self._serialized(key):
            known = await self._recorded_reply(request)
            if known is not None:
                return known
            if self._is_late(received_s):
                raise RequestError("tooLate", TOO_LATE.format(self.dispatch_within_s))
            _check_command_id(self._committer, request)
            target = self._targets.find(request)
            self._actions.check(request, target)
            transport = self._dispatcher.choose_link(target)
            event = self._event(request, target)
            log_context.bind(eventId=event.event_id.hex())
            canonical_ns = await self._queue.submit(
                lambda committer: _record(committer, principal, request, event)
            )
            if canonical_ns is None:  # Its ids were used meanwhile, maybe by a consumed event.
                known = await self._recorded_reply(request)
                if known is None:
                    raise _conflict_error(request)
                return known
            failure = await self._dispatch(transport, event, received_s)
        return CommandAck(
            request_id=request.request_id,
            command_id=request.command_id,
            event_id=event.event_id.hex(),
            time=timestamps.text(canonical_ns),
            failure=failure,
        )

    @asynccontextmanager
    async def _serialized(self, key: bytes) -> AsyncIterator[None]:
        """Serialize the submissions of one requestId; the second finds the first one's record."""
        lock, waiting = self._locks.get(key, (asyncio.Lock(), 0))
        self._locks[key] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._locks.pop(key)
            if waiting > 1:
                self._locks[key] = (lock, waiting - 1)

    async def _recorded_reply(self, request: SubmitCommand) -> CommandAck | None:
        """The reply to a requestId that is recorded already, once the record is durable."""
        stored = self._committer.archive.record
        first_key = stored.request(request.scope_id, request.request_id)
        if first_key is None:
            return None
        event, canonical_ns = read_stored(self._committer, first_key)
        await self._queue.wait_durable(canonical_ns)
        first = event.envelope
        assert isinstance(first, CommandRequest)
        return CommandAck(
            request_id=request.request_id,
            command_id=first.command_id,
            event_id=event.event_id.hex(),
            time=timestamps.text(canonical_ns),
            duplicate=True,
            mismatch=not _is_same(request, first),
        )

    def _event(self, request: SubmitCommand, target: CommandTarget) -> Event:
        envelope: JsonObject = {
            "scopeId": request.scope_id,
            "lane": "command",
            "systemId": target.system_id,
            "containerId": target.container_id,
            "uniqueId": target.unique_id,
            "sourceTruthTime": timestamps.text(time.time_ns()),
            "messageType": "CommandRequest",
            "commandId": request.command_id,
            "requestId": request.request_id,
            "targetId": request.target_id,
            "commandType": request.command_type,
            "timelineMode": request.timeline_mode,
            "payload": request.payload,
        }
        try:
            check_payload(request.payload)
            return check(msgspec.json.encode(envelope), max_bytes=self._envelope_max_bytes)
        except ProtocolError as error:
            raise RequestError(error.code, error.message) from None
        except EnvelopeError as error:
            raise RequestError("badArguments", error.reason) from None

    async def _dispatch(self, transport: Transport, event: Event, received_s: float) -> str | None:
        """Send a recorded command; returns the failure that was recorded, or None."""
        unreachable = unreachable_reason(transport)
        if unreachable is None:
            await self._queue.submit(lambda committer: _begin(committer, event))
            if self._is_late(received_s):
                unreachable = TOO_LATE.format(self.dispatch_within_s)
        if unreachable is not None:
            return await self._fail(event, NOT_SENT.format(unreachable))
        failure = await self._dispatcher.send(transport, event)
        if failure is None:
            self._queue.submit_later(lambda committer: _end(committer, event))
            return None
        text = NOT_SENT if failure.is_certain else MAYBE_SENT
        return await self._fail(event, text.format(failure.reason))

    def _is_late(self, received_s: float) -> bool:
        return time.monotonic() - received_s > self.dispatch_within_s

    async def _fail(self, event: Event, reason: str) -> str:
        """Record a failure; returns it as it was recorded."""
        reason = reason[:ERROR_MAX_CHARS]
        log.warning("command not dispatched", extra={"context": {"reason": reason}})
        await self._queue.submit(lambda committer: _record_failure(committer, event, reason))
        return reason

    async def end_unfinished(self) -> None:
        """Record a failure for each command that an earlier process left unfinished."""
        left_over = self._committer.archive.record.dispatches()
        if left_over:
            await self._queue.submit(lambda committer: _end_unfinished(committer, left_over))


def _record(
    committer: Committer, principal: Principal, request: SubmitCommand, event: Event
) -> int | None:
    """Record a request with its dispatch and its audit event; None if one of its ids was used
    meanwhile.
    """
    scope_id = request.scope_id
    if committer.open.has_key(catalog.request_key(scope_id, request.request_id)):
        return None
    if committer.open.has_key(catalog.command_key(scope_id, request.command_id)):
        return None
    dispatch = Dispatch(_order_key(event))
    committer.open.put_record(_dispatch_key(event), catalog.encode_dispatch(dispatch))
    return committer.record_together([_audit_of(committer, principal, event), event])


def _audit_of(committer: Committer, principal: Principal, event: Event) -> Event:
    """The audit event of a command, of the same time."""
    request = event.envelope
    assert isinstance(request, CommandRequest)
    details: JsonObject = {
        "scopeId": event.series.scope_id,
        "commandId": request.command_id,
        "requestId": request.request_id,
        "targetId": request.target_id,
        "commandType": request.command_type,
        "eventId": event.event_id.hex(),
    }
    entry = new_entry(
        "CommandSubmitted", principal.user, principal.kind, details, at_ns=event.source_ns
    )
    return audit_event(entry, committer.own_scope)


def _check_command_id(committer: Committer, request: SubmitCommand) -> None:
    if committer.open.has_key(catalog.command_key(request.scope_id, request.command_id)):
        raise _conflict_error(request)


def _conflict_error(request: SubmitCommand) -> RequestError:
    return RequestError(
        "conflict",
        f"commandId {request.command_id!r} belongs to another request: use a new one, because "
        "progress and results name only the commandId",
    )


def _begin(committer: Committer, event: Event) -> None:
    dispatch = Dispatch(_order_key(event), is_begun=True)
    committer.open.put_record(_dispatch_key(event), catalog.encode_dispatch(dispatch))


def _end(committer: Committer, event: Event) -> None:
    committer.open.delete_record(_dispatch_key(event))


def _record_failure(committer: Committer, event: Event, reason: str) -> None:
    _end(committer, event)  # First, for the record may fill the commit that both belong to.
    committer.record(_failure(event, reason))


def _end_unfinished(committer: Committer, unfinished: list[Dispatch]) -> None:
    for dispatch in unfinished:
        event, _ = read_stored(committer, dispatch.request_key)
        reason = DISPATCH_UNKNOWN if dispatch.is_begun else NOT_DISPATCHED
        context = {**_ids_of(event), "reason": reason}
        log.warning("unfinished command ended", extra={"context": context})
        _record_failure(committer, event, reason)


def _ids_of(event: Event) -> dict[str, str]:
    request = event.envelope
    assert isinstance(request, CommandRequest)
    return {
        "scopeId": event.series.scope_id,
        "commandId": request.command_id,
        "eventId": event.event_id.hex(),
    }


def _failure(event: Event, reason: str) -> Event:
    """A CommandResult with status failure for a command that the Core could not send; its source
    time is later than the request's.
    """
    request, series = event.envelope, event.series
    assert isinstance(request, CommandRequest)
    envelope: JsonObject = {
        "scopeId": series.scope_id,
        "lane": "command",
        "systemId": series.system_id,
        "containerId": series.container_id,
        "uniqueId": series.unique_id,
        "sourceTruthTime": timestamps.text(max(time.time_ns(), event.source_ns + 1)),
        "messageType": "CommandResult",
        "commandId": request.command_id,
        "targetId": request.target_id,
        "commandType": request.command_type,
        "status": "failure",
        "errorMessage": reason,
    }
    return check(msgspec.json.encode(envelope))


def read_stored(committer: Committer, first_key: bytes) -> tuple[Event, int]:
    """The stored event of an order key, and its canonical time in ns."""
    archive = committer.archive
    stored = archive.events.envelope(archive.events.event_key(first_key) or b"")
    try:
        return check_stored(stored or b"")
    except EnvelopeError as error:
        raise ArchiveDamagedError(
            f"the archive in {archive.path} is damaged: the CommandRequest of order key "
            f"{first_key.hex()} is missing or cannot be read: {error}. Run `nova verify`"
        ) from error


def _dispatch_key(event: Event) -> bytes:
    request = event.envelope
    assert isinstance(request, CommandRequest)
    return catalog.dispatch_key(event.series.scope_id, request.request_id)


def _order_key(event: Event) -> bytes:
    return order_key(event.source_ns, event.lane, event.event_id)


def _is_same(request: SubmitCommand, first: CommandRequest) -> bool:
    """Whether a request equals the first one with its requestId."""
    return (
        request.command_id == first.command_id
        and request.target_id == first.target_id
        and request.command_type == first.command_type
        and _is_same_payload(request.payload, first.payload)
        and request.system_id in (None, first.system_id)
        and request.container_id in (None, first.container_id)
    )


def _is_same_payload(requested: JsonObject, first: JsonObject) -> bool:
    """Compare as JSON: in Python, `True == 1`."""
    try:
        return canonical_json(requested) == canonical_json(first)
    except CanonicalError:
        return False
