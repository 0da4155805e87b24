"""`nova demo`: NOVA with a simulated satellite, in a temporary folder."""

from __future__ import annotations

import asyncio
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

import click
import msgspec

from nova.cli import local_instance
from nova.cli.child_process import ChildProcess
from nova.cli.log_collector import collected_logs
from nova.cli.standby import StandbyProcess, standby_processes
from nova.hardware.simulator.demo_view import demo_view
from nova.sdk import logs, settings

DEMO_SCOPE = "demo"
SATELLITE = """[devices.satellite]
type = "simulator"
seed = {seed}
"""
SATELLITE_NAME = "satellite"
SATELLITE_MODULES = (
    "nova.cli.hardware",
    "nova.hardware.satellite_device",
    "nova.sdk.transport.local",
)
PASSWORD_VARIABLE = "NOVA_ADMIN_PASSWORD"


@click.command()
@click.option(
    "--listen",
    metavar="HOST:PORT",
    default="127.0.0.1:8800",
    show_default=True,
    help="Where browsers connect; port 0 picks a free one.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Seed of the simulated satellite's day."
)
@click.option("--json", "as_json", is_flag=True, help="Print the ready line as JSON.")
@click.option("--exit-with-stdin", is_flag=True, help="Exit when stdin closes.")
@click.pass_obj
def demo(
    may_fork: bool | None, listen: str, seed: int, as_json: bool, exit_with_stdin: bool
) -> None:
    """Run NOVA with a simulated satellite in orbit.

    Command it, and watch it live and replayed in your browser.

    \b
    Nothing is kept: the archive is in a temporary folder. Port 0 picks a free port:
      nova demo --listen 127.0.0.1:0
    """
    os.environ.setdefault(logs.LEVEL_VARIABLE, "warning")
    logs.configure("demo")
    with standby_processes(_modules() if may_fork else {}) as standby:
        _run(listen, seed, as_json, exit_with_stdin, standby)


def _modules() -> dict[str, tuple[str, ...]]:
    """What its processes import. They are forked before there is a folder to remove."""
    chosen = settings.load(scope=DEMO_SCOPE, mode="payload")
    return {**local_instance.modules(chosen), SATELLITE_NAME: SATELLITE_MODULES}


def _run(
    listen: str,
    seed: int,
    as_json: bool,
    exit_with_stdin: bool,
    standby: Mapping[str, StandbyProcess],
) -> None:
    password = os.environ.get(PASSWORD_VARIABLE) or secrets.token_urlsafe(9)
    with tempfile.TemporaryDirectory(prefix="nova-demo-") as folder:
        view = Path(folder) / "view.json"
        view.write_bytes(msgspec.json.encode(demo_view(DEMO_SCOPE)))
        chosen = settings.load(
            data=folder,
            listen=listen,
            scope=DEMO_SCOPE,
            mode="payload",
            default_view=str(view),
        )
        satellite = _satellite(Path(folder), seed, local_instance.publish_url(chosen))
        satellite.standby = standby.get(satellite.name)
        notes = [
            f"log in as admin with {password}; Ctrl-C stops NOVA",
            "command the satellite: nova command temperature heater.set on=true "
            f"--scope {DEMO_SCOPE} --data {folder} --wait",
        ]
        with collected_logs(chosen) as collector:
            asyncio.run(
                local_instance.run(
                    chosen,
                    extra=[satellite],
                    environment={PASSWORD_VARIABLE: password},
                    as_json=as_json,
                    exit_with_stdin=exit_with_stdin,
                    notes=notes,
                    logs=collector,
                    standby=standby,
                )
            )


def _satellite(folder: Path, seed: int, url: str) -> ChildProcess:
    config = folder / "hardware.toml"
    config.write_text(SATELLITE.format(seed=seed))
    options = ("--config", str(config), "--data", str(folder / "hardware"))
    to = ("--to", url, "--scope", DEMO_SCOPE)
    return ChildProcess(SATELLITE_NAME, ("nova.cli", "hardware", *options, *to))
