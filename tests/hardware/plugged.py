"""A device plug-in of the tests, installed for the processes that they start."""

from __future__ import annotations

import asyncio
import os
import signal
import time
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
from tests.hardware.bench_device import PUMP, TARGET

ROOT = Path(__file__).parents[2]
POINTS = """[nova.devices]
bench = tests.hardware.plugged:PluggedDevice
counting = tests.hardware.killed_host:counting_device
"""
METADATA = "Metadata-Version: 2.1\nName: nova-bench-devices\nVersion: 1.0\n"
CRASH = "crash-at-open"
"""A file of the device's folder with which it crashes when it is opened."""


def installed(into: Path) -> str:
    """A path for PYTHONPATH with which processes find the plug-ins."""
    info = into / "nova_bench_devices-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(METADATA)
    (info / "entry_points.txt").write_text(POINTS)
    return f"{into}{os.pathsep}{ROOT}"


class PluggedDevice:
    """Reads numbers up to `numbers`, and does what a command's payload says."""

    def __init__(self, setup: Setup) -> None:
        self._folder = setup.folder
        self._numbers = iter(range(int(str(setup.options.get("numbers", 0)))))

    def targets(self) -> Sequence[Target]:
        """The pump."""
        return [TARGET]

    async def open(self) -> None:
        """Crash if the test wants it."""
        if (self._folder / CRASH).exists():
            crash()

    async def read(self) -> Sequence[Reading]:
        """The next number; silence at the end."""
        for number in self._numbers:
            odd = [float("nan")] if number == 1 else []
            return [Reading(PUMP, [Parsed("Flow", {"number": one})]) for one in [*odd, number]]
        return await asyncio.Future[Sequence[Reading]]()

    async def execute(self, command: Command, progress: Progress) -> JsonObject | None:
        """Do what is wanted; the result names this process."""
        match command.payload.get("do"):
            case "crash":
                crash()
            case "refuse":
                raise CommandRefusedError("the tank is empty")
            case "raise":
                raise OSError("unplugged")
            case "block":
                time.sleep(60)
            case "wait":
                await asyncio.Event().wait()
            case "write":
                return None
            case "odd":
                return {"odd": object()}
            case "report":
                await progress(25, "spinning up")
                try:
                    await progress(101)
                except Exception as error:
                    return {"problem": str(error)}
        return {"pid": os.getpid()}

    async def close(self) -> None:
        """Nothing is held."""


def crash() -> None:
    """End this process as a fault of a library does."""
    os.kill(os.getpid(), signal.SIGKILL)
