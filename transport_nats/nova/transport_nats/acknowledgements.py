"""What is known of the acknowledgements of publishes that are under way."""

from __future__ import annotations

import asyncio


class PendingAcknowledgements:
    """The acknowledgements of one publish; `done` resolves with the last one."""

    def __init__(self) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.tokens: list[str] = []
        self.sent = 0
        """Records."""

        self.is_sent = False
        self.acknowledged = 0
        """Records."""

        self.failure: str | None = None

    def acknowledge(self, records: int) -> None:
        self.acknowledged += records
        if self.is_sent and self.acknowledged == self.sent:
            self._resolve()

    def all_sent(self) -> None:
        """All records of the publish have been sent."""
        self.is_sent = True
        if self.acknowledged == self.sent:
            self._resolve()

    def fail(self, reason: str) -> None:
        """A record will not be acknowledged; resolves `done`."""
        self.failure = self.failure or reason
        self._resolve()

    def _resolve(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


class AcknowledgementWindow:
    """The records in flight by token, each token one acknowledgement."""

    def __init__(self) -> None:
        self.records = 0
        self._last_token = 0
        self._pending: dict[str, tuple[PendingAcknowledgements, int]] = {}

    def add(self, delivery: PendingAcknowledgements, records: int) -> str:
        """The token of an acknowledgement that is expected for some records."""
        self._last_token += 1
        token = str(self._last_token)
        delivery.tokens.append(token)
        delivery.sent += records
        self._pending[token] = delivery, records
        self.records += records
        return token

    def take(self, token: str) -> tuple[PendingAcknowledgements, int] | None:
        """End the wait for an acknowledgement; returns its publish and its number of records."""
        found = self._pending.pop(token, None)
        if found is not None:
            self.records -= found[1]
        return found

    def deliveries(self) -> list[PendingAcknowledgements]:
        """The publishes with records in flight."""
        return list({id(delivery): delivery for delivery, _ in self._pending.values()}.values())

    def clear(self) -> None:
        self._pending.clear()
        self.records = 0
