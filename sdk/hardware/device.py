"""What a device plug-in is: a few async methods, and the plain values that they give and take.

A plug-in knows its device and nothing of envelopes, transports or the host. Entry points of the
group `nova.devices` name factories: `make(setup: Setup) -> Device`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import msgspec

from sdk.envelope import JsonObject
from sdk.errors import NovaError, SettingsError
from sdk.observation import Entity

PLUGIN_GROUP = "nova.devices"
COMMAND_PREFIX = "command:"

Options = TypeVar("Options", bound=msgspec.Struct)


class DeviceError(NovaError):
    """A device cannot be opened or read any more; the host closes it and tries again later."""


class CommandRefusedError(NovaError):
    """A device will not do what it was told; the command has failed and the device goes on."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes as they came; `sequence` is a uint64 that the device counts itself."""

    frame: bytes
    connection_id: str | None = None
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """A decoded message."""

    message_type: str
    payload: JsonObject
    schema_version: str = "1"


@dataclass(frozen=True, slots=True)
class Ui:
    """A partial upsert of one view."""

    view_id: str
    manifest_id: str
    manifest_version: str
    data: JsonObject


@dataclass(frozen=True, slots=True)
class Metadata:
    """Metadata of a type that has a payload; `effective_time` is an ISO time."""

    message_type: str
    payload: JsonObject
    effective_time: str | None = None


Output = Raw | Parsed | Ui | Metadata


@dataclass(frozen=True, slots=True)
class Reading:
    """What one entity showed at one instant.

    `at_ns` (since 1970) is for devices with a clock of their own; without it the reading is of the
    moment in which `read` returned it (A-122).
    """

    entity: Entity
    outputs: Sequence[Output]
    at_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """An entity that a device speaks for; `command:<commandType>` authorises a command.

    `since_ns` dates its descriptor, for a device that begins with its past.
    """

    entity: Entity
    capabilities: tuple[str, ...] = ()
    schema_version: str = "1"
    since_ns: int | None = None

    def takes(self, command_type: str) -> bool:
        """Whether it has declared a command."""
        return COMMAND_PREFIX + command_type in self.capabilities


class Command(NamedTuple):
    """A command for one target of a device, checked but for its payload."""

    command_id: str
    target: Entity
    command_type: str
    payload: JsonObject
    source_ns: int


class Progress(Protocol):
    """Tells how far a command has come; the device may call it as often as it likes."""

    async def __call__(self, percent: float, message: str | None = None) -> None:
        """Publish a CommandProgress, `percent` from 0 to 100."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a factory is given: the device's name and options, and a folder to keep things in."""

    name: str
    options: JsonObject
    folder: Path

    def options_as(self, kind: type[Options]) -> Options:
        """The options as a struct of the plug-in; raises SettingsError naming what is wrong."""
        try:
            return msgspec.convert(self.options, kind)
        except msgspec.ValidationError as error:
            raise SettingsError(f"devices.{self.name}: {error}") from None

    def entity(self, text: str | None) -> Entity:
        """An entity from SYSTEM/CONTAINER/UNIQUE; by default `hardware/device/<name>`."""
        parts = (text or f"hardware/device/{self.name}").split("/")
        if len(parts) != len(Entity._fields):
            raise SettingsError(
                f"devices.{self.name}: entity {text!r} is not SYSTEM/CONTAINER/UNIQUE"
            )
        return Entity(*parts)


class Device(Protocol):
    """One device. `read` and `execute` may run at once; `execute` never twice at once.

    Any exception of `open` or `read`, and any of `execute` but CommandRefusedError, makes the host
    close the device and open it again, after a while that grows.
    """

    def targets(self) -> Sequence[Target]:
        """The entities that it speaks for; asked once, before it is opened."""

    async def open(self) -> None:
        """Connect; called again after every `close`."""

    async def read(self) -> Sequence[Reading]:
        """Wait for what the device says next; what was returned before is safe on disk by then."""

    async def execute(self, command: Command, progress: Progress) -> JsonObject | None:
        """Do what a command says and return its result once that is confirmed: a success.

        None says that nobody has confirmed it: the command was written, and gets no result.
        """

    async def close(self) -> None:
        """Let go of everything; also called after an `open` that failed."""


def can_wait(device: Device) -> bool:
    """Whether what a device says stays where it is until it is read, by its `can_wait`.

    Then reading stops while the buffer is full. Without that the oldest go, and are counted.
    """
    return bool(getattr(device, "can_wait", False))
