"""Receivers of commands: a listener on the transport, and a device behind a hardware
host, which journals a command durably before it executes it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from nova.sdk.events.observation import Entity
from nova.sdk.transport.base import Transport
from nova.testkit.running_nova import RunningNova

HEARD_TIMEOUT_S = 30.0
LISTENER = Entity("bench", "bench", "commanded")
LISTENED = "bench.go"
PUMP = "pump"
PUMPED = "pump.set"
CONFIG = f"""
scope = "{{scope}}"
[devices.{PUMP}]
type = "line"
source = "tcp://127.0.0.1:{{port}}"
decode = "text"
[devices.{PUMP}.commands]
"{PUMPED}" = "do"
"""


class MeasuredDevice(Protocol):
    """Receives commands, one at a time."""

    target_id: str
    command_type: str

    async def heard_s(self, request_id: str) -> float:
        """Wait for a command; returns when it arrived. Raises TimeoutError."""


class Listener:
    """Listens for commands on a transport."""

    target_id = LISTENER.unique_id
    command_type = LISTENED

    def __init__(self, transport: Transport, scope_id: str) -> None:
        self._commands = transport.commands(scope_id, ready := asyncio.Event())
        self.ready = ready
        self._news = asyncio.Event()
        self._heard_s: dict[str, float] = {}

    async def listen(self) -> None:
        """Record the arrival of commands until cancelled."""
        async for record in self._commands:
            assert record.address is not None
            self._heard_s[record.address.split(".")[3]] = time.perf_counter()
            self._news.set()

    async def heard_s(self, request_id: str) -> float:
        """Wait for a command; returns when it arrived."""
        async with asyncio.timeout(HEARD_TIMEOUT_S):
            while request_id not in self._heard_s:
                self._news.clear()
                await self._news.wait()
        return self._heard_s[request_id]


class Pump:
    """The far end of a line over TCP; its lines name no command, so one is sent at a time."""

    target_id = PUMP
    command_type = PUMPED

    def __init__(self) -> None:
        self._lines_s: asyncio.Queue[float] = asyncio.Queue()

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read the lines of one host until it disconnects."""
        while await reader.readline():
            self._lines_s.put_nowait(time.perf_counter())
        writer.close()

    async def heard_s(self, _: str) -> float:
        """Wait for the next line; returns when it arrived."""
        async with asyncio.timeout(HEARD_TIMEOUT_S):
            return await self._lines_s.get()


@asynccontextmanager
async def hardware_host(folder: Path, url: str, config: str) -> AsyncIterator[int]:
    """A hardware host that is ready, while the block runs; its process id."""
    path = folder / "hardware.toml"
    path.write_text(config)
    arguments = ["--config", str(path), "--data", str(folder / "hardware"), "--to", url]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "nova.cli", "hardware", *arguments, "--exit-with-stdin"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        await process.stdout.readline()
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def hosted_pump(folder: Path, nova: RunningNova, scope_id: str) -> AsyncIterator[Pump]:
    """A pump behind a hardware host that is ready, while the block runs."""
    pump = Pump()
    server = await asyncio.start_server(pump.listen, "127.0.0.1", 0)
    config = CONFIG.format(scope=scope_id, port=server.sockets[0].getsockname()[1])
    async with server, hardware_host(folder, nova.publish, config):
        yield pump
