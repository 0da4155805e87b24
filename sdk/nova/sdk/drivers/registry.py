"""The registry of installed drivers, and the selection of a stream's driver.

The selection is deterministic: first the drivers that the target's descriptor requests
(`driver:<id>` or `driver:<id>@<version>`), then the preference in its order. Of an id without a
version it is the highest version that accepts the stream.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from nova.sdk import plugins
from nova.sdk.address import is_name
from nova.sdk.drivers.driver import Driver
from nova.sdk.drivers.driver_stream import DriverStream
from nova.sdk.errors import DriverError, NovaError

PLUGIN_GROUP = "nova.drivers"
CAPABILITY_PREFIX = "driver:"
"""Prefix of a capability that requests a driver."""

BINDING_TYPE = "DriverBinding"
BINDING_DRIVER = "jsonl@1.0.0"
"""The driver of DriverBindings, which have no binding of their own."""

_VERSION = re.compile(r"\d+\.\d+\.\d+")


class DriverRegistry:
    """Drivers by id and version, with their order of preference."""

    def __init__(
        self,
        drivers: Iterable[Driver],
        preference: Sequence[str] = (),
        missing: Mapping[str, str] | None = None,
    ) -> None:
        self._versions: dict[str, dict[str, Driver]] = {}
        self._missing = dict(missing or {})
        for driver in drivers:
            self._add(driver)
        self._preference = tuple(preference)
        for name in self._preference:
            self._named(name)

    @classmethod
    def load(cls, preference: Sequence[str] = ()) -> DriverRegistry:
        """Load all installed drivers; one that cannot be imported is an error only when it is used.

        Raises DriverError if the preference names a driver that is not installed.
        """
        drivers: list[Driver] = []
        missing: dict[str, str] = {}
        for name in sorted(plugins.names(PLUGIN_GROUP)):
            try:
                driver = plugins.load(PLUGIN_GROUP, name)()
            except NovaError as error:
                missing[name] = str(error)
                continue
            if not isinstance(driver, Driver):
                raise DriverError(f"entry point {name!r} of {PLUGIN_GROUP} is not a Driver")
            lacking = [module for module in driver.requires if not _is_installed(module)]
            if lacking:
                missing[name] = f"it needs {lacking[0]}: {plugins.install_hint(PLUGIN_GROUP, name)}"
            else:
                drivers.append(driver)
        return cls(drivers, preference, missing)

    def _add(self, driver: Driver) -> None:
        if not is_name(driver.driver_id) or "@" in driver.driver_id:
            raise DriverError(f"the driver id {driver.driver_id!r} is not [A-Za-z0-9_.:-]{{1,128}}")
        if not _VERSION.fullmatch(driver.version):
            raise DriverError(
                f"the version {driver.version!r} of driver {driver.driver_id} is not N.N.N"
            )
        versions = self._versions.setdefault(driver.driver_id, {})
        other = versions.get(driver.version)
        if other is not None:
            raise DriverError(
                f"{driver.name} is defined twice: by {_origin(other)} and {_origin(driver)}"
            )
        versions[driver.version] = driver

    def names(self) -> list[str]:
        """Ids and versions of all installed drivers."""
        return [driver.name for driver in self.drivers()]

    def drivers(self) -> list[Driver]:
        """All installed drivers by id, the newest version first."""
        return [driver for _, known in sorted(self._versions.items()) for driver in _newest(known)]

    def get(self, driver_id: str, version: str) -> Driver:
        """One driver; raises DriverError that lists the installed ones."""
        driver = self._versions.get(driver_id, {}).get(version)
        if driver is None:
            raise self._absent_error(f"{driver_id}@{version}", driver_id)
        return driver

    def named(self, name: str) -> Driver:
        """The driver `id@version`, or the newest version of an id; raises DriverError."""
        return self._named(name)[0]

    def _named(self, name: str) -> list[Driver]:
        driver_id, _, version = name.partition("@")
        if version:
            return [self.get(driver_id, version)]
        versions = self._versions.get(driver_id)
        if not versions:
            raise self._absent_error(name, driver_id)
        return _newest(versions)

    def select(self, stream: DriverStream, capabilities: frozenset[str] = frozenset()) -> Driver:
        """The driver of a stream; raises DriverError if none accepts it."""
        if stream.stream_type == BINDING_TYPE and stream.lane == "metadata":
            return self.named(BINDING_DRIVER)
        asked = sorted(
            name[len(CAPABILITY_PREFIX) :]
            for name in capabilities
            if name.startswith(CAPABILITY_PREFIX)
        )
        for name in asked:
            for driver in self._named_or_none(name):
                if driver.takes(stream, capabilities):
                    return driver
        for name in self._preference:
            for driver in self._named(name):
                if driver.takes(stream, capabilities):
                    return driver
        raise DriverError(
            f"no driver for {stream}: none of {', '.join(self._preference) or 'none'} accepts it"
        )

    def _named_or_none(self, name: str) -> list[Driver]:
        """Like `_named`, but empty if absent: producers cannot know the installed drivers."""
        try:
            return self._named(name)
        except DriverError:
            return []

    def _absent_error(self, name: str, driver_id: str) -> DriverError:
        if driver_id in self._missing:
            return DriverError(f"driver {name} cannot be used: {self._missing[driver_id]}")
        installed = ", ".join(self.names()) or "none"
        return DriverError(f"driver {name} is not installed; installed: {installed}")


def _newest(versions: Mapping[str, Driver]) -> list[Driver]:
    def number(driver: Driver) -> tuple[int, ...]:
        return tuple(map(int, driver.version.split(".")))

    return sorted(versions.values(), key=number, reverse=True)


def _origin(driver: Driver) -> str:
    kind = cast("type[object]", type(driver))
    return f"{kind.__module__}:{kind.__qualname__}"


def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
