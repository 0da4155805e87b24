"""The device plug-in interface: a few async methods, and the values that they take and return.

A plug-in knows its device, but not envelopes, transports or the host. Entry points of the group
`nova.devices` name factories: `make(setup: Setup) -> Device`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import msgspec

from nova.sdk.errors import NovaError, SettingsError
from nova.sdk.events.observation import Entity
from nova.sdk.field_types import JsonObject

PLUGIN_GROUP = "nova.devices"
COMMAND_PREFIX = "command:"

Options = TypeVar("Options", bound=msgspec.Struct)


class DeviceError(NovaError):
    """A device cannot be opened or read; the host closes it and retries later."""


class CommandRefusedError(NovaError):
    """A device refuses a command; the command fails, and the device stays open."""


class Raw(msgspec.Struct, frozen=True):
    """Bytes as received; `sequence` is a uint64 counted by the device."""

    frame: bytes
    connection_id: str | None = None
    sequence: int | None = None


class Parsed(msgspec.Struct, frozen=True):
    """A decoded message."""

    message_type: str
    payload: JsonObject
    schema_version: str = "1"


class Ui(msgspec.Struct, frozen=True):
    """A partial upsert of one view."""

    view_id: str
    manifest_id: str
    manifest_version: str
    data: JsonObject


class Metadata(msgspec.Struct, frozen=True):
    """Metadata of a type that has a payload; `effective_time` is an ISO time."""

    message_type: str
    payload: JsonObject
    effective_time: str | None = None


Output = Raw | Parsed | Ui | Metadata


class Reading(msgspec.Struct, frozen=True):
    """The outputs of one entity at one instant.

    `at_ns` (since 1970) is for devices with a clock of their own; without it the reading gets the
    time at which `read` returned it.
    """

    entity: Entity
    outputs: Sequence[Output]
    at_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """An entity that a device represents; `command:<commandType>` authorises a command.

    `since_ns` is the effective time of its descriptor, for a device that starts with past readings.
    """

    entity: Entity
    capabilities: tuple[str, ...] = ()
    schema_version: str = "1"
    since_ns: int | None = None

    def accepts(self, command_type: str) -> bool:
        """Whether it declares this command."""
        return COMMAND_PREFIX + command_type in self.capabilities


class Command(NamedTuple):
    """A command for one target of a device; everything but its payload is validated."""

    command_id: str
    target: Entity
    command_type: str
    payload: JsonObject
    source_ns: int


class Progress(Protocol):
    """Reports the progress of a command, any number of times."""

    async def __call__(self, percent: float, message: str | None = None) -> None:
        """Publish a CommandProgress, `percent` from 0 to 100."""


@dataclass(frozen=True, slots=True)
class Setup:
    """The arguments of a factory: the device's name and options, and a folder for its files."""

    name: str
    options: JsonObject
    folder: Path

    def options_as(self, kind: type[Options]) -> Options:
        """Decode the options; raises SettingsError that names the invalid member."""
        try:
            return msgspec.convert(self.options, kind)
        except msgspec.ValidationError as error:
            raise SettingsError(f"devices.{self.name}: {error}") from None

    def entity(self, text: str | None) -> Entity:
        """Parse SYSTEM/CONTAINER/UNIQUE; the default is `hardware/device/<name>`."""
        parts = (text or f"hardware/device/{self.name}").split("/")
        if len(parts) != len(Entity._fields):
            raise SettingsError(
                f"devices.{self.name}: entity {text!r} is not SYSTEM/CONTAINER/UNIQUE"
            )
        return Entity(*parts)


class Device(Protocol):
    """`read` and `execute` may run concurrently; `execute` never twice at once.

    Any exception of `open` or `read`, and any of `execute` but CommandRefusedError, makes the host
    close the device and reopen it after a growing delay.
    """

    def targets(self) -> Sequence[Target]:
        """The entities that it represents; called once, before `open`."""

    async def open(self) -> None:
        """Connect; called again after every `close`."""

    async def read(self) -> Sequence[Reading]:
        """Wait for the next readings; the previous ones are durable by then."""

    async def execute(self, command: Command, progress: Progress) -> JsonObject | None:
        """Execute a command and return its result once that is confirmed, which is a success.

        None means unconfirmed: the command was sent, and gets no result.
        """

    async def close(self) -> None:
        """Release all resources; also called after a failed `open`."""


def device_can_wait(device: Device) -> bool:
    """Whether the device keeps its data until it is read, by its attribute `can_wait`.

    Then reading pauses while the buffer is full. Otherwise the oldest records are dropped and
    counted.
    """
    return bool(getattr(device, "can_wait", False))
