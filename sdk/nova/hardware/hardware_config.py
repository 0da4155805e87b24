"""The configuration of a hardware host: one TOML file with its devices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, cast

import msgspec
from msgspec import Meta

from nova.hardware.device import PLUGIN_GROUP, Device, Setup
from nova.sdk import plugins
from nova.sdk.address import is_id
from nova.sdk.document import DocumentError, read_toml
from nova.sdk.errors import NovaError, SettingsError
from nova.sdk.field_types import JsonObject

Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Processes = Literal["auto", "one", "device"]
"""Where devices run: all in the host's process, or each in one of its own; `auto` chooses."""
CORES_MIN = 4
"""With fewer, the host's process, a Core beside it and two devices would take turns."""


class _HostDocument(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The members of the file; a device's are decoded once its plug-in is known."""

    scope: str | None = None
    transports: tuple[str, ...] = ()
    data: str | None = None
    name: str = "host"
    processes: Processes = "auto"
    buffer_mib: Annotated[int, Meta(ge=16, le=1_048_576)] = 256
    command_max_age_s: Seconds = 30.0
    command_timeout_s: Seconds = 60.0
    devices: dict[str, JsonObject] = {}


class _DeviceCommon(msgspec.Struct, kw_only=True):
    """The members of every device; the others belong to its plug-in."""

    type: str
    command_timeout_s: Seconds | None = None
    silence_max_s: Seconds | None = None


class DeviceConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One device: its plug-in, its options, and the limits that the host enforces."""

    name: str
    type: str
    options: JsonObject
    command_timeout_s: float
    silence_max_s: float | None


class HardwareConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A host: its scope, its transports, and the folder of its buffers."""

    scope: str
    transports: tuple[str, ...]
    data: Path
    name: str
    processes: Processes
    buffer_mib: int
    command_max_age_s: float
    devices: tuple[DeviceConfig, ...]

    def setup(self, device: DeviceConfig) -> Setup:
        """The argument of a device's factory."""
        return Setup(device.name, device.options, self.data / "devices" / device.name)

    def has_device_processes(self, cores: int) -> bool:
        """Whether each device has a process of its own, on a machine with this many cores."""
        if self.processes != "auto":
            return self.processes == "device"
        return cores >= CORES_MIN and 1 < len(self.devices) <= cores


def load(
    path: Path,
    *,
    scope: str | None = None,
    transports: tuple[str, ...] = (),
    data: Path | None = None,
) -> HardwareConfig:
    """Load a configuration file; arguments override its members. Raises SettingsError."""
    document = _document(path)
    urls = transports or document.transports
    where = data or (Path(document.data) if document.data else None)
    chosen = {
        "scope": scope or document.scope,
        "transports": urls or None,
        "data": where,
    }
    for member, value in chosen.items():
        if value is None:
            raise SettingsError(f"{path}: `{member}` is missing: set it there or by an option")
    if len(set(urls)) < len(urls):
        raise SettingsError(f"{path}: a transport is listed twice")
    if not document.devices:
        raise SettingsError(f"{path}: no device: add a table [devices.<name>]")
    config = HardwareConfig(
        scope=str(chosen["scope"]),
        transports=urls,
        data=Path(str(where)),
        name=document.name,
        processes=document.processes,
        buffer_mib=document.buffer_mib,
        command_max_age_s=document.command_max_age_s,
        devices=tuple(
            _device(path, name, members, document) for name, members in document.devices.items()
        ),
    )
    _check_ids(path, config)
    return config


def _document(path: Path) -> _HostDocument:
    try:
        return msgspec.convert(read_toml(path), _HostDocument)
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from None
    except DocumentError as error:
        raise SettingsError(f"{path} {error}") from None
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: {error}; see docs/hardware.md") from None


def _device(path: Path, name: str, members: JsonObject, document: _HostDocument) -> DeviceConfig:
    try:
        common = msgspec.convert(members, _DeviceCommon)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: devices.{name}: {error}") from None
    known = plugins.names(PLUGIN_GROUP)
    if common.type not in known:
        raise SettingsError(
            f"{path}: devices.{name}: type {common.type!r} is not one of {', '.join(sorted(known))}"
        )
    options = {key: members[key] for key in members if key not in _DeviceCommon.__struct_fields__}
    return DeviceConfig(
        name=name,
        type=common.type,
        options=options,
        command_timeout_s=common.command_timeout_s or document.command_timeout_s,
        silence_max_s=common.silence_max_s,
    )


def _check_ids(path: Path, config: HardwareConfig) -> None:
    named = [("scope", config.scope), ("name", config.name)]
    for what, text in [*named, *(("device name", one.name) for one in config.devices)]:
        if not is_id(text):
            raise SettingsError(f"{path}: {what} {text[:64]!r} is not [A-Za-z0-9_-]{{1,64}}")


def make_device(config: HardwareConfig, device: DeviceConfig) -> Device:
    """Create a device by its plug-in; raises SettingsError if its options are invalid."""
    return make_of_type(device.type, config.setup(device))


def make_of_type(plugin: str, setup: Setup) -> Device:
    """Create a device of a type; raises SettingsError if its options are invalid."""
    setup.folder.mkdir(parents=True, exist_ok=True)
    try:
        return cast(Device, plugins.load(PLUGIN_GROUP, plugin)(setup))
    except SettingsError:
        raise
    except NovaError as error:
        raise SettingsError(f"devices.{setup.name}: {error}") from error
