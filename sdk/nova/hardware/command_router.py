"""The command router: receives commands, checks them against the devices of this host, and queues
them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple

from nova.hardware.command_feedback import CommandFeedback
from nova.hardware.command_journal import CommandJournal
from nova.hardware.device import Command, Target
from nova.hardware.device_runner import DeviceRunner
from nova.sdk import log_context, timestamps
from nova.sdk.address import is_dispatch
from nova.sdk.errors import EnvelopeError, NovaError
from nova.sdk.events.envelope import CommandRequest
from nova.sdk.events.event import Event, address_of, check
from nova.sdk.events.observation import Entity
from nova.sdk.timestamps import NS_PER_SECOND
from nova.sdk.transport.base import Record

LEFT_OVER_REASONS = {
    "came": "not done: the host stopped before it started the command",
    "begun": "the host stopped during the command; whether it took effect is unknown",
}

_log = logging.getLogger(__name__)


class RoutedTarget(NamedTuple):
    """A target and the runner of its device."""

    target: Target
    runner: DeviceRunner


class MaxAgePolicy:
    """Decides whether a command is too old to be executed."""

    def __init__(self, max_age_s: float, now_ns: Callable[[], int] = timestamps.now) -> None:
        self._max_age_s = max_age_s
        self._now_ns = now_ns

    def now_ns(self) -> int:
        return self._now_ns()

    def problem(self, command: Command) -> str | None:
        """Why a command's age forbids it; the true age of one from the future is unknown."""
        age_s = (self._now_ns() - command.source_ns) / NS_PER_SECOND
        if abs(age_s) <= self._max_age_s:
            return None
        limit = f"the limit is {self._max_age_s:g} s"
        if age_s < 0:
            return f"not done: its time is {-age_s:.1f} s ahead of the host's clock, {limit}"
        return f"not done: it is {age_s:.1f} s old, {limit}"


class CommandRouter:
    """Routes command records to devices, each at most once."""

    def __init__(
        self,
        scope_id: str,
        targets: Mapping[Entity, RoutedTarget],
        *,
        journal: CommandJournal,
        feedback: CommandFeedback,
        max_age: MaxAgePolicy,
    ) -> None:
        self._scope_id = scope_id
        self._targets = targets
        self._journal = journal
        self._feedback = feedback
        self._max_age = max_age
        self.duplicates = 0

    async def finish_left_over(self) -> None:
        """Publish a result for every command that is not being executed any more, after a crash and
        at shutdown.
        """
        for command, stage, result in self._journal.unfinished():
            if result is None:
                result = self._feedback.failure(command, LEFT_OVER_REASONS[stage])
            await self._finish(command, result)

    async def route(self, record: Record) -> None:
        """Route a command, or publish why not; commands of other hosts' targets are ignored."""
        event = self._request(record)
        if event is None or not isinstance(event.envelope, CommandRequest):
            return
        request = event.envelope
        entity = Entity(*event.series[2:5])
        served = self._targets.get(entity)
        if served is None or request.target_id != entity.unique_id:
            return
        command = Command(
            request.command_id, entity, request.command_type, request.payload, event.source_ns
        )
        ids = {"scopeId": self._scope_id, "commandId": command.command_id}
        with log_context.bound(**ids, eventId=event.event_id.hex()):
            await self._route_once(command, request.request_id, served)

    async def _route_once(self, command: Command, request_id: str, served: RoutedTarget) -> None:
        if self._journal.has_seen(command.command_id, request_id):
            self.duplicates += 1
            _log.info("duplicate command")
            return
        if command.source_ns < self._journal.forgotten_before_ns:
            # It may have been executed and answered before: a second result could contradict that.
            self.duplicates += 1
            _log.warning("old command")
            return
        await self._admit(command, request_id, served)

    async def _admit(self, command: Command, request_id: str, served: RoutedTarget) -> None:
        """Journal a new command, then queue it or publish why not."""
        try:
            await self._journal.record_arrival(command, request_id, self._max_age.now_ns())
        except (NovaError, OSError) as error:
            reason = f"not done: cannot write the command journal: {error}"
            await self._feedback.publish(self._feedback.failure(command, reason))
            return
        refusal = (
            self._max_age.problem(command)
            or self._problem(command, served)
            or served.runner.enqueue(command)
        )
        if refusal is not None:
            await self._finish(command, self._feedback.failure(command, refusal))

    async def _finish(self, command: Command, result: Record) -> None:
        await self._journal.record_result(command, result)
        await self._feedback.publish(result)
        await self._journal.record_published(command)

    def _problem(self, command: Command, served: RoutedTarget) -> str | None:
        if served.target.accepts(command.command_type):
            return None
        known = sorted(name for name in served.target.capabilities if name.startswith("command:"))
        return (
            f"target {command.target.unique_id} does not accept {command.command_type!r}; it "
            f"accepts {', '.join(name.removeprefix('command:') for name in known) or 'no commands'}"
        )

    def _request(self, record: Record) -> Event | None:
        """The valid request of a record on a dispatch address; None for anything else."""
        if not is_dispatch(record.address):
            return None
        try:
            event = check(record.value, address_of(record.address), scope_id=self._scope_id)
        except EnvelopeError as error:
            _log.warning(
                "invalid command",
                extra={"context": {"address": record.address, "reason": str(error)}},
            )
            return None
        return event
