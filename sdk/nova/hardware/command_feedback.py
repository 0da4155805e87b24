"""Feedback on commands: CommandProgress and CommandResult events, on their command's address."""

from __future__ import annotations

from collections.abc import Callable

from nova.hardware.device import Command
from nova.hardware.outbox import OutboxGroup
from nova.sdk import timestamps
from nova.sdk.address import Address
from nova.sdk.errors import EnvelopeError
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Observation, Observer
from nova.sdk.field_types import JsonObject
from nova.sdk.transport.base import Record

NO_JSON_FORM = "done, but its result has no JSON form: "


class CommandFeedback:
    """Creates feedback events and queues them for publishing."""

    def __init__(
        self, scope_id: str, outboxes: OutboxGroup, now_ns: Callable[[], int] = timestamps.now
    ) -> None:
        # Separate stamps: a Core with a fast clock must not shift the stamps of telemetry.
        self._observer = Observer(scope_id)
        self._outboxes = outboxes
        self._now_ns = now_ns

    async def progress(self, command: Command, percent: float, message: str | None) -> None:
        """Publish the progress of a command; raises EnvelopeError outside 0 to 100."""
        event = self._observe(command).command_progress(*_command_ids(command), percent, message)
        await self._outboxes.put([_record(event, command.command_id)])

    def success(self, command: Command, result: JsonObject | None) -> Record:
        """The record of a success; if the result has no JSON form, the record says so instead."""
        observation = self._observe(command)
        try:
            event = observation.command_result(*_command_ids(command), "success", result)
        except EnvelopeError as error:
            event = observation.command_result(
                *_command_ids(command), "success", error_message=NO_JSON_FORM + error.reason
            )
        return _record(event, command.command_id)

    def failure(self, command: Command, reason: str) -> Record:
        """The record of a failure, or of an unknown outcome."""
        reason = reason.encode(errors="replace").decode()
        observation = self._observe(command)
        event = observation.command_result(*_command_ids(command), "failure", error_message=reason)
        return _record(event, command.command_id)

    async def publish(self, record: Record) -> None:
        await self._outboxes.put([record])

    def _observe(self, command: Command) -> Observation:
        """An instant of the target after the command's own time, whatever the clocks say."""
        return self._observer.stamp(command.target, max(self._now_ns(), command.source_ns + 1))


def _command_ids(command: Command) -> tuple[str, str, str]:
    return command.command_id, command.target.unique_id, command.command_type


def _record(event: Event, command_id: str) -> Record:
    subject = f"{command_id}:{event.series.message_type}"
    return Record(str(Address(event.series.scope_id, "command", subject=subject)), event.body)
