"""`python -m bench.commanding`: how long a command takes from who submits it to the device.

Real processes: an edge, a reader, a writer that records durably before it sends, and a hardware
host that notes durably before it begins. The device is a line over TCP that this process holds the
other end of, so what is measured ends where the device hears its command.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click
import msgspec

from bench.figures import MS, quantile
from sdk.client import Client, login
from sdk.submission import SubmitCommand
from sdk.testing.instance import PASSWORD, Nova, running_nova

SCOPE = "bench"
HEARD_TIMEOUT_S = 30
CONFIG = """
scope = "bench"
[devices.pump]
type = "line"
source = "tcp://127.0.0.1:{port}"
decode = "text"
[devices.pump.commands]
"pump.set" = "do"
"""


class Run(msgspec.Struct, kw_only=True):
    """One run: how many commands, and what they took in ms, submit to device."""

    commands: int
    p50_ms: float
    p99_ms: float
    worst_ms: float


class Ear:
    """The device's end: tells each line as it arrives."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hear what one host says until it goes."""
        while line := await reader.readline():
            self.heard.put_nowait(line)
        writer.close()


@asynccontextmanager
async def host(folder: Path, port: int, nova: Nova) -> AsyncIterator[None]:
    """A hardware host that is ready, for as long as the block runs."""
    config = folder / "hardware.toml"
    config.write_text(CONFIG.format(port=port))
    arguments = ["--config", str(config), "--data", str(folder / "hardware"), "--to", nova.publish]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sdk.cli", "hardware", *arguments, "--exit-with-stdin"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        await process.stdout.readline()
        yield
    finally:
        process.terminate()
        await process.wait()


async def measured(folder: Path, nova: Nova, commands: int, rate_hz: float) -> list[float]:
    """The seconds of each command, one after the other."""
    ear = Ear()
    server = await asyncio.start_server(ear.listen, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    token = await login(nova.url, "admin", PASSWORD)
    found: list[float] = []
    async with (
        server,
        host(folder, port, nova),
        await Client.to_edge(nova.url, token) as client,
    ):
        for number in range(commands):
            started = time.perf_counter()
            submitting = asyncio.create_task(client.submit_command(_command(number)))
            async with asyncio.timeout(HEARD_TIMEOUT_S):
                await ear.heard.get()
            found.append(time.perf_counter() - started)
            await submitting
            await asyncio.sleep(1 / rate_hz)
    return found


def _command(number: int) -> SubmitCommand:
    return SubmitCommand(
        scope_id=SCOPE,
        command_id=f"c{number}",
        request_id=f"r{number}",
        target_id="pump",
        command_type="pump.set",
        payload={},
        timeline_mode="LIVE",
    )


@click.command()
@click.option("--commands", type=click.IntRange(min=1), default=500, show_default=True)
@click.option("--rate-hz", type=click.FloatRange(0, min_open=True), default=5.0, show_default=True)
def commanding(commands: int, rate_hz: float) -> None:
    """Submit commands through an edge to a device; prints JSON."""
    os.environ.setdefault("NOVA_LOG_LEVEL", "error")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with running_nova(folder / "data", "--scope", SCOPE) as nova:
            found = asyncio.run(measured(folder, nova, commands, rate_hz))
    run = Run(
        commands=len(found),
        p50_ms=quantile(found, 0.5) * MS,
        p99_ms=quantile(found, 0.99) * MS,
        worst_ms=max(found) * MS,
    )
    click.echo(msgspec.json.format(msgspec.json.encode(run)).decode())


if __name__ == "__main__":
    commanding()
