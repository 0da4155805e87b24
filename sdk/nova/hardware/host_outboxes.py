"""The outboxes of a host: three per transport, for its feedback, for readings of sources that can
wait, and for those of sources that cannot. What they lose becomes a gap event.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from functools import partial
from hashlib import sha256

from nova.hardware.event_builder import SYSTEM_ID, EventBuilder
from nova.hardware.hardware_config import HardwareConfig
from nova.hardware.host_database import HostDatabase
from nova.hardware.lost_records import LostRecords, forget_losses, pending_losses
from nova.hardware.outbox import Outbox, OutboxGroup
from nova.hardware.outbox_log import OutboxLog
from nova.hardware.outbox_rows import READ_MAX_RECORDS, links_with_records
from nova.sdk.events.observation import Entity
from nova.sdk.field_types import JsonObject
from nova.sdk.producer.producer import Producer
from nova.sdk.settings import MIB
from nova.sdk.transport.base import Transport

FEEDBACK_MAX_BYTES = 64 * MIB
GAP = "HardwareGap"

_log = logging.getLogger(__name__)


class HostOutboxes:
    """The outboxes in a host's database."""

    def __init__(
        self,
        database: HostDatabase,
        config: HardwareConfig,
        transports: Sequence[Transport],
        event_builder: EventBuilder,
    ) -> None:
        self._database = database
        self._scope = config.scope
        self._event_builder = event_builder
        self._entity = Entity(SYSTEM_ID, "host", config.name)
        self._links = {_stored_name(one.link): one.link for one in transports}
        self.feedback = OutboxGroup(
            [self._make_outbox(one, "answers", FEEDBACK_MAX_BYTES) for one in transports],
            may_offer=False,  # A command does not wait for the feedback on the one before.
        )
        max_bytes = config.buffer_mib * MIB
        self.dropping = OutboxGroup(
            self._make_outbox(one, "readings", max_bytes) for one in transports
        )
        self.holding = OutboxGroup(
            self._make_outbox(one, "held", max_bytes, drops=False) for one in transports
        )

    def _make_outbox(
        self, transport: Transport, kind: str, max_bytes: int, *, drops: bool = True
    ) -> Outbox:
        """The outbox of one kind of records for one transport."""
        link = _stored_name(transport.link)
        on_lost = partial(self._on_lost, transport.link, kind)
        outbox_log = OutboxLog(self._database, link, kind, max_bytes, on_lost, drops=drops)
        producer = Producer(transport, self._scope, batch_max_records=READ_MAX_RECORDS)
        return Outbox(f"{kind} for {transport.link}", outbox_log, producer)

    async def _on_lost(self, link: str, kind: str, lost: LostRecords) -> None:
        """Store a gap event before the records are deleted, so that no loss is silent."""
        payload: JsonObject = {"link": link, "kind": kind, "reason": lost.reason}
        named = {
            "records": lost.records,
            "bytes": lost.size_bytes,
            "from": lost.from_time,
            "to": lost.to_time,
        }
        payload |= {name: value for name, value in named.items() if value is not None}
        _log.error("events were lost", extra={"context": payload})
        gap = self._event_builder.host_event(self._entity, GAP, payload)
        await self.feedback.append_gap([gap])

    async def report_earlier(self) -> None:
        """Publish what was found to be lost when the database was opened, and log the outboxes of
        transports that are no longer configured.
        """
        for name in sorted(await self._database.run(links_with_records) - set(self._links)):
            _log.warning("buffer of an unknown transport", extra={"context": {"link": name}})
        try:
            for pending in await self._database.run(pending_losses):
                affected = self._links if pending.link is None else [pending.link]
                for link in affected:
                    await self._on_lost(self._links.get(link, link), pending.kind, pending.lost)
            await self._database.run(forget_losses)
        except OSError as error:  # The next host reports them.
            _log.error("the loss cannot be recorded", extra={"context": {"error": str(error)}})

    def publishers(self) -> list[Coroutine[None, None, None]]:
        """The coroutines that publish, for ever."""
        groups = (self.feedback, self.dropping, self.holding)
        return [work for group in groups for work in group.publishers()]

    async def wait_drained(self) -> None:
        """Return once everything stored before the call is published."""
        groups = (self.feedback, self.dropping, self.holding)
        await asyncio.gather(*(group.wait_drained() for group in groups))

    async def delete_published(self) -> None:
        """Delete what is published from the disk; the next host publishes what is left."""
        for group in (self.feedback, self.dropping, self.holding):
            await group.delete_published()


def _stored_name(link: str) -> str:
    """A link's name in the database: its scheme for readability, and a digest for uniqueness."""
    return f"{link.partition(':')[0]}-{sha256(link.encode()).hexdigest()[:12]}"
