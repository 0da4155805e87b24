"""The import handler: stores events of the Core's own message types from an administrator's import.

An export of an archive contains such events, but no transport may deliver them for the Core's own
scope. They are checked, deduplicated and stored like consumed events, under a link of their own. An
audit event before them names those that are new and the importer: by their content they look like
events that this Core wrote.
"""

from __future__ import annotations

from collections.abc import Sequence

from nova.core.submission_messages import Principal
from nova.core.writer.audit_trail import audit_event
from nova.core.writer.columns import columns_of
from nova.core.writer.commit_queue import CommitQueue
from nova.core.writer.committer import Committer
from nova.sdk.errors import EnvelopeError
from nova.sdk.events.audit_entry import new_entry
from nova.sdk.events.checker import RejectedRecord
from nova.sdk.events.event import Event, check, without_stamp
from nova.sdk.events.reserved import require_reserved
from nova.sdk.field_types import JsonObject
from nova.sdk.protocol.submission import ImportAck, ImportEvents, ImportRefusal
from nova.sdk.transport.base import Batch, Receipt, Record

IMPORT_LINK = "import"
"""The link under which imported events are counted; links of transports are URLs."""


class ImportHandler:
    """Imports events of one scope (None: all) up to a size."""

    def __init__(
        self,
        committer: Committer,
        queue: CommitQueue,
        scope_id: str | None,
        envelope_max_bytes: int,
    ) -> None:
        self._committer = committer
        self._queue = queue
        self._scope_id = scope_id
        self._envelope_max_bytes = envelope_max_bytes

    async def import_events(self, principal: Principal, request: ImportEvents) -> ImportAck:
        """Record events; returns the counts and the refusals once they are durable."""
        records = [Record(None, without_stamp(text.encode())) for text in request.events]
        events, refusals = self._check(records)
        columns = columns_of(events, refusals)

        def write(committer: Committer) -> Receipt:
            new = [events[number].event_id.hex() for number in committer.new_numbers(columns)]
            if new:  # Recorded before them: a crash in between leaves none unmarked.
                committer.record(_mark(principal, new, committer.own_scope))
            return committer.add_imported(IMPORT_LINK, Batch(records), columns)

        receipt = await self._queue.submit(write)
        rejected = [
            ImportRefusal(place=index, code=code, member=member, reason=reason)
            for index, code, member, reason in receipt.rejected
        ]
        return ImportAck(new=receipt.new, duplicate=receipt.duplicate, rejected=rejected)

    def _check(self, records: Sequence[Record]) -> tuple[list[Event], list[RejectedRecord]]:
        events, refusals = [], []
        for index, record in enumerate(records):
            try:
                event = check(
                    record.value, scope_id=self._scope_id, max_bytes=self._envelope_max_bytes
                )
                require_reserved(event.series)
            except EnvelopeError as error:
                refusals.append(RejectedRecord(index, error.code, error.member, error.reason))
            else:
                events.append(event)
        return events, refusals


def _mark(principal: Principal, event_ids: Sequence[str], scope_id: str) -> Event:
    """The audit event that marks events as imported."""
    details: JsonObject = {"eventIds": list(event_ids)}
    return audit_event(
        new_entry("EventsImported", principal.user, principal.kind, details), scope_id
    )
