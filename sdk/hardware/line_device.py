"""`type = "line"`: a device that says lines over TCP or a serial line, and may be told some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from sdk.envelope import JsonObject
from sdk.hardware.device import (
    COMMAND_PREFIX,
    Command,
    CommandRefusedError,
    Progress,
    Reading,
    Setup,
    Target,
)
from sdk.hardware.lines import LineReader, LineSplitter, Meaning
from sdk.hardware.links import link_of


class LineOptions(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The members of such a device in the configuration."""

    source: str
    decode: Meaning = "nmea"
    entity: str | None = None
    time: Literal["host", "device"] = "host"
    type_member: str | None = None
    hello: str | None = None
    commands: dict[str, str] = {}


class LineDevice:
    """Reads lines; its commands are fixed lines that are sent."""

    def __init__(self, setup: Setup) -> None:
        options = setup.options_as(LineOptions)
        self._link = link_of(setup.name, options.source, ("tcp", "serial"))
        self._entity = setup.entity(options.entity)
        self._hello = options.hello
        self._commands = options.commands
        self._lines = LineReader(
            options.decode,
            self._entity,
            type_member=options.type_member,
            device_time=options.time == "device",
        )
        self._splitter = LineSplitter()

    def targets(self) -> Sequence[Target]:
        """One entity, with a command for each line that may be sent."""
        commands = tuple(COMMAND_PREFIX + name for name in self._commands)
        return [Target(self._entity, ("telemetry:lines", *commands))]

    async def open(self) -> None:
        """Connect and say hello, where that is wanted."""
        self._splitter = LineSplitter()
        await self._link.open()
        if self._hello is not None:
            await self._link.write(self._hello.encode() + b"\n")

    async def read(self) -> Sequence[Reading]:
        """The lines of the next piece; empty ones say nothing."""
        pieces = await self._link.read()
        lines = [line for piece in pieces for line in self._splitter.feed(piece)]
        return [self._lines.reading(line) for line in lines if line.strip()]

    async def execute(self, command: Command, progress: Progress) -> JsonObject | None:
        """Send the line of a command."""
        line = self._commands.get(command.command_type)
        if line is None:
            raise CommandRefusedError(f"no line is configured for {command.command_type!r}")
        await self._link.write(line.encode() + b"\r\n")
        return {"sent": line}

    async def close(self) -> None:
        """Disconnect."""
        await self._link.close()
