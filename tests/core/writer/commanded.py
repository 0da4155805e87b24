"""A running Core that can be commanded, with a client of it and a device that listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from nova.sdk.client.client import Client
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.protocol.submission import SubmitCommand
from nova.sdk.settings import Settings
from nova.sdk.transport.base import Receipt, Record, Transport, connect
from tests.core.commanding import WAIT_S, Ears, command, descriptor, listening
from tests.core.running import Core, running_core


@dataclass
class Commanded:
    """A running Core of one scope, a client of it, and a device that listens."""

    core: Core
    client: Client
    device: Transport
    ears: Ears
    scope_id: str

    def command(self, **given: object) -> SubmitCommand:
        """A command to the heater of this scope."""
        return command(scope_id=self.scope_id, **given)

    async def publish(self, *records: Record) -> Receipt:
        """Publish as the device, and return when the Core shows it."""
        before = (await self.client.status()).events
        receipt = await Producer(self.device, self.scope_id).publish(records)
        async with asyncio.timeout(WAIT_S):
            while (await self.client.status()).events < before + len(records):
                await asyncio.sleep(0.02)
        return receipt

    async def lane(self) -> list[bytes]:
        """The stored events of the command lane in the order of their arrival."""
        query = Query(timebase="canonical", filters=Filters(lanes=["command"]))
        return [event async for event in self.client.query(query)]

    async def heard_after(self, *request_ids: str) -> list[str]:
        """The requestIds that the device has heard, in order, and those that must come."""
        last = self.command()
        await self.client.submit_command(last)
        await self.ears.until(*request_ids, last.request_id)
        return [one for one in self.ears.requests() if one != last.request_id]


@asynccontextmanager
async def commanded(data: Path, url: str, scope_id: str) -> AsyncIterator[Commanded]:
    """All of it on one transport, with a heater that the Core knows."""
    settings = Settings(data=str(data), scope=scope_id, transports=(url,))
    device = connect(url)
    try:
        async with (
            running_core(settings) as core,
            await Client.to_core(core.data) as client,
            listening(device, scope_id) as ears,
        ):
            found = Commanded(core, client, device, ears, scope_id)
            await found.publish(descriptor(scope_id=scope_id))
            yield found
    finally:
        await device.close()
