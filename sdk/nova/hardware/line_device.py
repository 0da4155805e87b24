"""`type = "line"`: a device that sends lines over TCP or a serial line, and may accept some."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import msgspec

from nova.hardware.confirmation import AwaitedAnswer, check_arguments
from nova.hardware.device import (
    COMMAND_PREFIX,
    Command,
    CommandRefusedError,
    DeviceError,
    Progress,
    Reading,
    Setup,
    Target,
)
from nova.hardware.device_links import make_link
from nova.hardware.line_command import LineCommand, LineCommandOptions
from nova.hardware.line_reader import LF_WAIT_S, LineFormat, LineReader, LineSplitter
from nova.sdk import timestamps
from nova.sdk.errors import SettingsError
from nova.sdk.field_types import JsonObject


class LineOptions(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The options of this device type."""

    source: str
    decode: LineFormat = "nmea"
    entity: str | None = None
    time: Literal["host", "device"] = "host"
    type_member: str | None = None
    hello: str | None = None
    commands: dict[str, str | LineCommandOptions] = {}


class LineDevice:
    """Reads lines; its commands are fixed lines, optionally confirmed by answer lines."""

    def __init__(self, setup: Setup, *, now_ns: Callable[[], int] = timestamps.now) -> None:
        options = setup.options_as(LineOptions)
        self._now_ns = now_ns
        self._link = make_link(setup.name, options.source, ("tcp", "serial"))
        self.can_wait = self._link.can_wait
        self._entity = setup.entity(options.entity)
        self._hello = options.hello
        self._commands = {
            name: _command(setup.name, name, one) for name, one in options.commands.items()
        }
        self._answer: AwaitedAnswer[bytes] = AwaitedAnswer()
        self._lines = LineReader(
            options.decode,
            self._entity,
            type_member=options.type_member,
            device_time=options.time == "device",
            now_ns=now_ns,
        )
        self._returned_ns: int | None = None
        """When the last lines of this connection were returned; afterwards others may wait."""
        self._splitter = LineSplitter()
        self._left: list[bytes] = []
        """The incomplete line of a connection that this side closed, for the next read."""

    def targets(self) -> Sequence[Target]:
        """One entity, with a command for each configured line."""
        commands = tuple(COMMAND_PREFIX + name for name in self._commands)
        return [Target(self._entity, ("telemetry:lines", *commands))]

    async def open(self) -> None:
        """Connect, and send the configured `hello`."""
        self._left += self._splitter.rest()
        self._returned_ns = None
        await self._link.open()
        if self._hello is not None:
            await self._link.write(self._hello.encode() + b"\n")

    async def read(self) -> Sequence[Reading]:
        """The readings of the next received lines; empty lines are skipped."""
        if self._returned_ns is not None:
            self._lines.leave_out(self._returned_ns, self._now_ns())
        lines, self._left = self._left, []
        lines = lines or await self._lines_of_next()
        for line in lines:
            self._answer.receive(line)
        readings = [one for line in lines if line.strip() for one in self._lines.readings(line)]
        self._returned_ns = self._now_ns()
        return readings

    async def _lines_of_next(self) -> list[bytes]:
        """The lines that the next bytes complete; at the end of the connection, the last one."""
        try:
            async with asyncio.timeout(LF_WAIT_S if self._splitter.may_be_ended else None) as limit:
                pieces = await self._link.read()
        except TimeoutError:
            if not limit.expired():
                raise
            return self._splitter.rest()
        except (DeviceError, OSError):
            rest = self._splitter.rest()
            if not rest:
                raise
            return rest  # The next read raises again.
        return [line for piece in pieces for line in self._splitter.feed(piece)]

    async def execute(self, command: Command, progress: Progress) -> JsonObject | None:
        """Send the line of a command; its result is the answer, if one is configured."""
        line_command = self._commands.get(command.command_type)
        if line_command is None:
            raise CommandRefusedError(f"no line is configured for {command.command_type!r}")
        check_arguments(command.command_type, command.payload, ())
        write = partial(self._link.write, line_command.line.encode() + b"\r\n")
        if not line_command.is_confirmed:
            await write()
            return None
        return await self._answer.send_and_wait(
            write, line_command.interpret, line_command.within_s, progress
        )

    async def close(self) -> None:
        self._answer.fail_pending()
        await self._link.close()


def _command(device: str, name: str, options: str | LineCommandOptions) -> LineCommand:
    try:
        return LineCommand(options)
    except SettingsError as error:
        raise SettingsError(f"devices.{device}: commands.{name}: {error}") from None
