"""A device whose readings are records by the time that its runner gets them, wherever it runs: in
this process (`LocalDevice`), or in one of its own (`device_process.py`).
"""

from __future__ import annotations

from typing import Protocol

from nova.hardware.device import Command, Device, Progress
from nova.hardware.event_builder import BuiltRecords, EventBuilder
from nova.sdk.field_types import JsonObject


class BuiltDevice(Protocol):
    """What a runner needs of a device; exceptions are those of `Device`."""

    async def open(self) -> None:
        """Connect."""

    async def read(self) -> BuiltRecords:
        """Wait for the next readings. A read that is cancelled may return what it already had."""

    async def execute(self, command: Command, progress: Progress) -> JsonObject | None:
        """Execute a command."""

    async def close(self) -> None:
        """Release the connection."""

    async def end(self) -> None:
        """Release everything else; called once, after the last `close`."""


class LocalDevice:
    """A device in this process."""

    def __init__(self, device: Device, event_builder: EventBuilder) -> None:
        self._device = device
        self._event_builder = event_builder

    async def open(self) -> None:
        await self._device.open()

    async def read(self) -> BuiltRecords:
        return self._event_builder.readings(list(await self._device.read()))

    async def execute(self, command: Command, progress: Progress) -> JsonObject | None:
        return await self._device.execute(command, progress)

    async def close(self) -> None:
        await self._device.close()

    async def end(self) -> None:
        """Do nothing: it ends with this process."""
