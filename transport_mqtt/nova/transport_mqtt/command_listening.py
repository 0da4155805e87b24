"""Listening for commands: a session of the listener's own, which ends with it."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from typing import Final

from nova.sdk.address import is_dispatch
from nova.sdk.transport.base import Record
from nova.sdk.transport.link_health_reporter import LinkHealthReporter
from nova.transport_mqtt.broker_session import BrokerSession, ReceivedMessage
from nova.transport_mqtt.config import MqttConfig
from nova.transport_mqtt.consumer import SESSION_BITS
from nova.transport_mqtt.naming import address_of, commands_of

EXPIRY_S: Final = 3600
"""How long the broker keeps commands for a listener that is away."""

REMEMBERED_MAX_COMMANDS: Final = 10_000
"""Commands by which one that comes again, because the broker forgot that it was taken, is known."""


class MqttListening:
    """The commands of a scope from now on."""

    def __init__(
        self,
        config: MqttConfig,
        reporter: LinkHealthReporter,
        scope_id: str,
        listening: asyncio.Event | None,
    ) -> None:
        self._session = BrokerSession(
            config,
            reporter,
            f"nova-commands-{secrets.randbits(SESSION_BITS):x}",
            [commands_of(scope_id)],
            expiry_s=EXPIRY_S,
        )
        if listening is not None:
            self._session.ready = listening
        self._taken: OrderedDict[tuple[str, bytes], None] = OrderedDict()
        self._current: ReceivedMessage | None = None
        self._is_stopped = False

    async def next(self) -> Record | None:
        """The next command, or None once stopped; asking acknowledges the one before."""
        while not self._is_stopped:
            self._session.arrived.clear()
            if self._current is not None:
                self._session.acknowledge(self._current)
                self._current = None
            for delivery in self._session.take(1, 1):
                self._current = delivery
                record = Record(address_of(delivery.topic), delivery.payload)
                if is_dispatch(record.address) and self._is_new(delivery):
                    return record
            if self._current is None:
                await self._session.arrived.wait()
        return None

    async def stop(self) -> None:
        """Stop listening; the broker forgets the session."""
        self._is_stopped = True
        self._session.arrived.set()
        await self._session.close(ends_session=True)

    def _is_new(self, delivery: ReceivedMessage) -> bool:
        key = delivery.topic, delivery.payload
        if key in self._taken:
            return False
        self._taken[key] = None
        if len(self._taken) > REMEMBERED_MAX_COMMANDS:
            self._taken.popitem(last=False)
        return True
