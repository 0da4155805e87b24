"""A host with two devices and a transport of files, as a process that a test kills.

What the process has done stands in files of its folder, one line each, written before it continues.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec

from nova.hardware.device import Command, Device, Parsed, Progress, Reading, Setup, Target
from nova.hardware.device_runner import RunnerLimits
from nova.hardware.hardware_config import DeviceConfig, HardwareConfig
from nova.hardware.host import HardwareHost, HostLimits
from nova.sdk.events.observation import Entity
from nova.sdk.field_types import JsonObject
from nova.sdk.producer.producer import Retry
from nova.sdk.transport.base import Receipt, Record
from tests.hardware.bench_device import SCOPE, BenchDevice, Line
from tests.hardware.running_host import config_for

PUMP, VALVE = Entity(SCOPE, "bench", "pump"), Entity(SCOPE, "bench", "valve")


class LineFile:
    """A file of lines; each is in the system's hands when `write` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def write(self, *lines: str) -> None:
        """Append lines in one write."""
        os.write(self._file, "".join(f"{line}\n" for line in lines).encode())


class CountingOptions(msgspec.Struct):
    """The options of the plug-in."""

    folder: str
    run: int
    is_silent: bool


class CountingDevice(BenchDevice):
    """Reads numbers; each stands in `accepted-NAME` once the host has asked for the next."""

    def __init__(
        self, folder: Path, unique_id: str, run: str, *, can_wait: bool, is_silent: bool
    ) -> None:
        super().__init__()
        self.can_wait = can_wait
        self._entity, self._run, self._number = Entity(SCOPE, "bench", unique_id), run, 0
        self._is_mute = is_silent
        self._accepted = LineFile(folder / f"accepted-{unique_id}")
        self._executed = LineFile(folder / "executed")
        self._dice = random.Random()

    def targets(self) -> Sequence[Target]:
        """One entity that can be commanded."""
        return [Target(self._entity, ("telemetry:Count", "command:pump.set"))]

    async def read(self) -> Sequence[Reading]:
        """The next number."""
        if self._is_mute:
            await asyncio.Event().wait()
        if self._number:
            self._accepted.write(f"{self._run}/{self._number - 1}")
        await asyncio.sleep(self._dice.choice([0, 0, 0, 0.002]))
        self._number += 1
        payload = {"run": self._run, "number": self._number - 1, "filler": "x" * 200}
        return [Reading(self._entity, [Parsed("Count", payload)])]

    async def execute(self, command: Command, progress: Progress) -> JsonObject:
        """Write down that it was done, somewhere between its begin and its end."""
        await asyncio.sleep(self._dice.uniform(0, 0.02))
        self._executed.write(command.command_id)
        await asyncio.sleep(self._dice.uniform(0, 0.02))
        return {}


def counting_device(setup: Setup) -> CountingDevice:
    """The plug-in, for devices with processes of their own; each process is a run."""
    options = msgspec.convert(setup.options, CountingOptions)
    run = f"{options.run}-{os.getpid()}"
    return CountingDevice(
        Path(options.folder),
        setup.name,
        run,
        can_wait=setup.name == "valve",
        is_silent=options.is_silent,
    )


class FileTransport(Line):
    """Publishes to `published`, and brings all commands of `dispatched`, old and new."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._published = LineFile(folder / "published")
        self._dispatched_path = folder / "dispatched"
        self._dice = random.Random()

    async def publish(self, records: Sequence[Record]) -> Receipt:
        """Write records down, then take a while to acknowledge them."""
        await asyncio.sleep(self._dice.choice([0, 0.001, 0.02]))
        self._published.write(*(record.value.decode() for record in records))
        await asyncio.sleep(self._dice.choice([0, 0.001, 0.02]))
        receipt = Receipt()
        receipt.new = len(records)
        return receipt

    async def commands(
        self, scope_id: str, listening: asyncio.Event | None = None
    ) -> AsyncIterator[Record]:
        """From the first on, as a broker does that does not know what had arrived."""
        if listening is not None:
            listening.set()
        with self._dispatched_path.open("rb") as file:
            while True:
                if line := file.readline():
                    yield msgspec.json.decode(line, type=Record)
                else:
                    await asyncio.sleep(0.01)


async def main(folder: Path, run: int, is_last: bool, processes: str) -> None:
    """Run the host until SIGTERM; the last one reads nothing, and ends when all is published."""
    options = {"folder": str(folder), "run": run, "is_silent": is_last}
    config: HardwareConfig = config_for(
        folder / "host", "pump", "valve", plugin="counting", options=options, processes=processes
    )

    def make(config: HardwareConfig, chosen: DeviceConfig) -> Device:
        return counting_device(config.setup(chosen))

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    limits = HostLimits(runner=RunnerLimits(restart=Retry(first_delay_s=0.01, max_delay_s=0.1)))
    host = HardwareHost(config, [FileTransport(folder)], make=make, limits=limits)

    def on_ready() -> None:
        print("ready", flush=True)
        if is_last:
            asyncio.get_running_loop().call_later(2, stop.set)

    await host.run(stop, on_ready)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "last", sys.argv[4]))
