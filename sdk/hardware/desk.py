"""The desk: where commands come in, are checked against the devices of this host, and handed out
(A-125, A-126).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple

from sdk import timestamps
from sdk.address import is_dispatch
from sdk.envelope import CommandRequest
from sdk.errors import EnvelopeError, NovaError
from sdk.event import Event, address_of, check
from sdk.hardware.answers import Answers
from sdk.hardware.device import Command, Target
from sdk.hardware.keeper import Keeper
from sdk.hardware.memory import CommandMemory
from sdk.observation import Entity
from sdk.timestamps import NS_PER_SECOND
from sdk.transport.base import Record

LEFT_BEHIND = {
    "came": "not done: the host ended before it could begin",
    "begun": "the host ended while it was being done; whether it took effect is unknown",
}

_log = logging.getLogger(__name__)


class Served(NamedTuple):
    """A target and who keeps the device behind it."""

    target: Target
    keeper: Keeper


class Ages:
    """Says which commands are too old to be done."""

    def __init__(self, max_age_s: float, now_ns: Callable[[], int] = timestamps.now) -> None:
        self._max_age_s = max_age_s
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """The host's time."""
        return self._now_ns()

    def problem(self, command: Command) -> str | None:
        """Why a command's age forbids it; one from the future has an age that nobody knows."""
        age_s = (self._now_ns() - command.source_ns) / NS_PER_SECOND
        if abs(age_s) <= self._max_age_s:
            return None
        limit = f"{self._max_age_s:g} s are allowed"
        if age_s < 0:
            return f"not done: it is from {-age_s:.1f} s ahead of the host's clock, {limit}"
        return f"not done: it is {age_s:.1f} s old, {limit}"


class Desk:
    """Takes command records, each at most once."""

    def __init__(
        self,
        scope_id: str,
        served: Mapping[Entity, Served],
        *,
        memory: CommandMemory,
        answers: Answers,
        ages: Ages,
    ) -> None:
        self._scope_id = scope_id
        self._served = served
        self._memory = memory
        self._answers = answers
        self._ages = ages
        self.repeated = 0

    async def answer_what_is_left(self) -> None:
        """Give every command that nobody works on any more its one result: after a kill, and at the
        end.
        """
        for command, stage, result in self._memory.unfinished():
            if result is None:
                result = self._answers.failure(command, LEFT_BEHIND[stage])
            await self._finish(command, result)

    async def take(self, record: Record) -> None:
        """Hand out a command, or answer why not; what is for others is not ours to answer."""
        event = self._request(record)
        if event is None or not isinstance(event.envelope, CommandRequest):
            return
        request = event.envelope
        entity = Entity(*event.series[2:5])
        served = self._served.get(entity)
        if served is None or request.target_id != entity.unique_id:
            return
        command = Command(
            request.command_id, entity, request.command_type, request.payload, event.source_ns
        )
        if self._memory.knows(command.command_id, request.request_id):
            self.repeated += 1
            _log.info("command came again", extra={"context": {"commandId": command.command_id}})
            return
        if command.source_ns < self._memory.forgotten_before_ns:
            # It may have been done and answered long ago: another answer could contradict that.
            self.repeated += 1
            _log.warning("old command", extra={"context": {"commandId": command.command_id}})
            return
        await self._admit(command, request.request_id, served)

    async def _admit(self, command: Command, request_id: str, served: Served) -> None:
        """Remember a new command, then queue it or answer why not."""
        try:
            self._memory.came(command, request_id, self._ages.now_ns())
        except (NovaError, OSError) as error:
            reason = f"not done, it could not be noted: {error}"
            await self._answers.publish(self._answers.failure(command, reason))
            return
        refusal = (
            self._ages.problem(command)
            or self._problem(command, served)
            or served.keeper.offer(command)
        )
        if refusal is not None:
            await self._finish(command, self._answers.failure(command, refusal))

    async def _finish(self, command: Command, result: Record) -> None:
        self._memory.ended(command, result)
        await self._answers.publish(result)
        self._memory.told(command)

    def _problem(self, command: Command, served: Served) -> str | None:
        if served.target.takes(command.command_type):
            return None
        known = sorted(name for name in served.target.capabilities if name.startswith("command:"))
        return (
            f"target {command.target.unique_id} takes no {command.command_type!r}; it takes "
            f"{', '.join(name.removeprefix('command:') for name in known) or 'no commands'}"
        )

    def _request(self, record: Record) -> Event | None:
        """The checked request of a record on a dispatch address; None for anything else."""
        if not is_dispatch(record.address):
            return None
        try:
            event = check(record.value, address_of(record.address), scope_id=self._scope_id)
        except EnvelopeError as error:
            _log.warning(
                "not a command",
                extra={"context": {"address": record.address, "reason": str(error)}},
            )
            return None
        return event
