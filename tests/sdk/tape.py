"""A transport that records what is published, validates it like the Core, and fails on request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Literal

from nova.sdk.errors import EnvelopeError, TransportError
from nova.sdk.events.event import Event, address_of, check
from nova.sdk.transport.base import Batch, Positions, Receipt, Record, Rejection, Subscription
from nova.sdk.transport.link import LinkState

Fault = Literal["lost", "answer lost", "none"]


class Tape:
    """Faults are taken in order, one a publish; `lost` never arrives, `answer lost` does."""

    link = "tape:"

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.publishes: list[list[Record]] = []
        self.events: dict[bytes, Event] = {}
        self._faults = iter(faults)

    @property
    def records(self) -> list[Record]:
        """Everything that arrived, repeats included."""
        return [record for publish in self.publishes for record in publish]

    async def publish(self, records: Sequence[Record]) -> Receipt:
        """Keep the records unless the next fault says otherwise."""
        fault = next(self._faults, "none")
        if fault == "lost":
            raise TransportError("the records were lost on the way")
        self.publishes.append(list(records))
        receipt = Receipt()
        for place, record in enumerate(records):
            self._judge(place, record, receipt)
        if fault == "answer lost":
            raise TransportError("the answer was lost on the way back")
        return receipt

    def _judge(self, place: int, record: Record, receipt: Receipt) -> None:
        try:
            event = check(record.value, address_of(record.address))
        except EnvelopeError as error:
            receipt.rejected.append(Rejection(place, error.code, error.member, error.reason))
            return
        if event.event_id in self.events:
            receipt.duplicate += 1
        else:
            receipt.new += 1
            self.events[event.event_id] = event

    async def consume(
        self, subscription: Subscription, positions: Positions
    ) -> AsyncIterator[Batch]:
        """Everything at once."""
        yield Batch(self.records)

    async def acknowledge(self, batch: Batch, receipt: Receipt) -> None:
        """Nothing to do."""

    def commands(
        self, scope_id: str, listening: asyncio.Event | None = None
    ) -> AsyncIterator[Record]:
        """Never asked of it."""
        raise NotImplementedError

    def state(self) -> LinkState:
        """Always there."""
        return LinkState(connected=True)

    async def close(self) -> None:
        """Nothing to do."""
