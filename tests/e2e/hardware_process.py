"""`nova hardware` as a process of its own, ended with the block, or killed on the way."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from nova.testkit.command_fork import CommandProcess, start_command

STOP_TIMEOUT_S = 30


class HostProcess:
    """A host that can be started again with the same folder."""

    def __init__(self, folder: Path, config: str, *urls: str) -> None:
        self._folder = folder
        path = folder / "hardware.toml"
        path.write_text(config)
        to = [part for url in urls for part in ("--to", url)]
        self._arguments = ["--config", str(path), "--data", str(folder / "hardware"), *to]
        self._process: CommandProcess | None = None

    async def start(self, *, wait: bool = True) -> None:
        """Start it; return when it says that it is ready."""
        with (self._folder / "hardware.log").open("ab") as log:
            self._process = start_command(
                *("hardware", *self._arguments, "--exit-with-stdin"),
                environment={**os.environ, "NOVA_LOG_LEVEL": "info"},
                stderr=log,
            )
        if wait:
            assert self._process.stdout is not None
            line = await asyncio.to_thread(self._process.stdout.readline)
            assert b'"ready":"hardware"' in line, self.log()

    def log(self) -> str:
        """What it has logged so far."""
        return (self._folder / "hardware.log").read_text()

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        with process:
            process.send_signal(number)
            return process.wait(STOP_TIMEOUT_S)


@asynccontextmanager
async def hardware(folder: Path, config: str, *urls: str) -> AsyncIterator[HostProcess]:
    """A host that is ready, for as long as the block runs."""
    host = HostProcess(folder, config, *urls)
    try:
        await host.start()
        yield host
    finally:
        await asyncio.to_thread(host.kill)
