"""`nova hardware`: runs devices, which publish telemetry and execute commands."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from nova.hardware import hardware_config as configs
from nova.hardware.hardware_config import HardwareConfig
from nova.hardware.host import HardwareHost
from nova.sdk import lifecycle, logs, private
from nova.sdk.processor_cores import available_cores
from nova.sdk.transport.base import connect

PROCESS = "hardware"

EPILOG = """\b
A configuration, hardware.toml:
  scope = "sat1"
  transports = ["local:///var/lib/nova"]     # or kafka://HOST:PORT, nats://HOST:PORT
  data = "/var/lib/nova-hardware"            # unpublished events, command journal
  [devices.satellite]
  type = "simulator"
  [devices.gps]
  type = "line"                              # NMEA, JSON or text over TCP or a serial line
  source = "tcp://127.0.0.1:2947"
  hello = '?WATCH={"enable":true,"nmea":true}'
  [devices.radio]
  type = "ccsds"                             # space packets over udp:// or tcp://
  source = "udp://0.0.0.0:10015"
  xtce = "/etc/nova/sat1.xml"
  [devices.log]
  type = "file"                              # follows it like tail -F
  path = "/var/log/antenna.log"

\b
Examples:
  nova hardware --config hardware.toml --check       describe the configuration and exit
  nova hardware --config hardware.toml
  nova hardware --config hardware.toml --to kafka://broker:9092 --to nats://server:4222

While a transport is down, events wait on disk and keep their times. A device of your own is a class
with five methods: docs/hardware.md.
"""


@click.command(epilog=EPILOG)
@click.option(
    "--config",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="TOML file with the devices.",
)
@click.option("--scope", help="Scope of the devices, instead of the file's.")
@click.option(
    "--to",
    "urls",
    metavar="URL",
    multiple=True,
    help="Transport, instead of the file's; repeatable.",
)
@click.option(
    "--data", type=click.Path(path_type=Path), help="Working folder, instead of the file's."
)
@click.option("--check", is_flag=True, help="Describe the configuration and exit.")
@click.option("--exit-with-stdin", is_flag=True, help="Exit when stdin closes.")
def hardware(
    path: Path,
    scope: str | None,
    urls: tuple[str, ...],
    data: Path | None,
    check: bool,
    exit_with_stdin: bool,
) -> None:
    """Run devices: publish telemetry, execute commands."""
    logs.configure(PROCESS)
    private.restrict_umask()
    config = configs.load(path, scope=scope, transports=urls, data=data)
    if check:
        _describe(config)
    else:
        asyncio.run(_run(config, exit_with_stdin))


def _describe(config: HardwareConfig) -> None:
    click.echo(f"scope {config.scope}, to {', '.join(config.transports)}, data in {config.data}")
    own = config.has_device_processes(available_cores())
    click.echo("each device in a process of its own" if own else "all devices in one process")
    for chosen in config.devices:
        click.echo(f"{chosen.name} ({chosen.type})")
        for target in configs.make_device(config, chosen).targets():
            commands = ", ".join(target.capabilities) or "no commands"
            click.echo(f"  {'/'.join(target.entity)}: {commands}")


async def _run(config: HardwareConfig, exit_with_stdin: bool) -> None:
    stop = lifecycle.stop_event(exit_with_stdin)
    transports = [connect(url) for url in config.transports]
    try:
        host = HardwareHost(config, transports)
        lifecycle.prepare_for_batches()
        await host.run(stop, lambda: lifecycle.print_ready(PROCESS, scope=config.scope))
    finally:
        for transport in transports:
            await transport.close()
