"""A device: reads a temperature from a file, as Linux offers sensors, and takes one command.

pip install ./examples; nova hardware --config thermometer.toml  # docs/python.md has one
nova command thermometer rate.set hz=5 --scope lab --data /path/of/archive --wait
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from nova.hardware.device import (
    Command,
    CommandRefusedError,
    Parsed,
    Progress,
    Reading,
    Setup,
    Target,
)
from nova.sdk.field_types import JsonObject


class Thermometer:
    """`path` is the sensor's file, in thousandths of a degree."""

    def __init__(self, setup: Setup) -> None:
        self._entity = setup.entity("lab/bench/thermometer")
        self._path = Path(str(setup.options["path"]))
        self._interval_s = 1.0

    def targets(self) -> Sequence[Target]:
        """`command:…` allows a command; the host publishes this as the device's descriptor."""
        return [Target(self._entity, ("telemetry:Temperature", "command:rate.set"))]

    async def open(self) -> None:
        """An exception here, or in `read`, makes the host try again after a growing delay."""
        self._path.read_text()

    async def read(self) -> Sequence[Reading]:
        """The next readings; without `at_ns` they get the time at which this returns."""
        await asyncio.sleep(self._interval_s)
        celsius = int(self._path.read_text()) / 1000
        return [Reading(self._entity, [Parsed("Temperature", {"celsius": celsius})])]

    async def execute(self, command: Command, progress: Progress) -> JsonObject | None:
        """A result is a success. None would mean: written to the device, but not confirmed."""
        hz = command.payload.get("hz")
        if not isinstance(hz, int | float) or hz <= 0:
            raise CommandRefusedError("hz must be above 0")
        self._interval_s = 1 / hz
        return {"intervalS": self._interval_s}

    async def close(self) -> None:
        """Called after every `open`, also after one that failed."""
