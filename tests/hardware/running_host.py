"""A host in this process, with the devices and the line that a test brings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from nova.hardware.device import Device
from nova.hardware.hardware_config import DeviceConfig, HardwareConfig
from nova.hardware.host import HardwareHost, HostLimits
from nova.sdk import timestamps
from nova.sdk.transport.base import Transport
from tests.hardware.bench_device import SCOPE

LIMITS = HostLimits(ready_timeout_s=0.5)
"""A line that is away is not waited for."""


def config_for(folder: Path, *names: str, **changes: object) -> HardwareConfig:
    """A configuration of devices that the test makes itself."""
    members: dict[str, object] = {
        "scope": SCOPE,
        "transports": ("tape:",),
        "data": folder,
        "name": "bench",
        "processes": "one",
        "buffer_mib": 16,
        "command_max_age_s": 30.0,
    }
    timeout_s = changes.pop("command_timeout_s", 20.0)
    silence_s = changes.pop("silence_max_s", None)
    options = changes.pop("options", {})
    plugin = changes.pop("plugin", "bench")
    devices = tuple(
        DeviceConfig(
            name=name,
            type=str(plugin),
            options=dict(options),  # type: ignore[call-overload]
            command_timeout_s=float(str(timeout_s)),
            silence_max_s=None if silence_s is None else float(str(silence_s)),
        )
        for name in names
    )
    return HardwareConfig(**(members | changes), devices=devices)  # type: ignore[arg-type]


@asynccontextmanager
async def running(
    folder: Path,
    devices: Mapping[str, Device],
    *lines: Transport,
    now_ns: Callable[[], int] = timestamps.now,
    limits: HostLimits = LIMITS,
    **changes: object,
) -> AsyncIterator[HardwareHost]:
    """A host at work, ready, and stopped at the end."""
    config = config_for(folder, *devices, **changes)
    host = HardwareHost(
        config,
        lines,
        make=lambda _, chosen: devices[chosen.name],
        now_ns=now_ns,
        limits=limits,
    )
    stop, ready = asyncio.Event(), asyncio.Event()
    work = asyncio.create_task(host.run(stop, ready.set))
    try:
        waiting = asyncio.create_task(ready.wait())
        async with asyncio.timeout(30):
            await asyncio.wait((work, waiting), return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
        waiting.cancel()
        yield host
    finally:
        stop.set()
        async with asyncio.timeout(30):
            await work
