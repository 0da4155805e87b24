"""One NOVA instance on this machine: runs its processes and prints one line when it is ready."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import click
import msgspec

from nova.cli.child_process import ChildProcess
from nova.cli.log_collector import LogCollector
from nova.cli.service_manager import ServiceManager
from nova.cli.service_reporter import ServiceReporter
from nova.cli.standby import StandbyProcess
from nova.cli.supervisor import Supervisor
from nova.sdk import lifecycle, private, settings
from nova.sdk.alarms import own_process
from nova.sdk.lifecycle import FIRST_PASSWORD_FACT
from nova.sdk.settings import Settings

PASSWORD_NOTE = "(user admin; keep it, it is not shown again)"

NONE_AHEAD: Mapping[str, StandbyProcess] = {}

MODULES = {
    "writer": ("nova.core.cli", "nova.core.writer.writer_process"),
    "reader": ("nova.core.cli", "nova.core.server.reader_process"),
    "sampler": ("nova.core.cli", "nova.core.derived.sampler_process"),
    "alarms": ("nova.core.cli", "nova.core.derived.alarms_process"),
    "files": ("nova.core.cli", "nova.core.files.files_process"),
    "derive": ("nova.core.cli", "nova.core.derivation.derive_process"),
    "backup": ("nova.core.cli", "nova.core.backup.backup_process"),
    "notifier": ("nova.core.cli", "nova.core.notifications.notifier_process"),
    "edge": ("nova.edge.cli",),
}

log = logging.getLogger(__name__)


def processes(chosen: Settings, environment: dict[str, str] | None = None) -> list[ChildProcess]:
    """The instance's processes, with shared settings: writer, reader, sampler, edge, the one that
    judges alarms once there are some, the files process if daily files are configured, the one that
    derives telemetry if there are definitions,
    the backup process if there is a target, and the notifier if there is a notification file.
    """
    shared = settings.as_environment(chosen) | (environment or {})
    data = ("--data", chosen.data)
    files = ChildProcess("files", ("nova.cli", "core", "files", *data), shared, is_awaited=False)
    derive = ChildProcess("derive", ("nova.cli", "core", "derive", *data), shared, is_awaited=False)
    backup = ChildProcess("backup", ("nova.cli", "core", "backup", *data), shared, is_awaited=False)
    notifier = ChildProcess(
        "notifier", ("nova.cli", "core", "notifier", *data), shared, is_awaited=False
    )
    sampling = ("nova.cli", "core", "sampler", *data, "--hands-over-alarms")
    alarms = ChildProcess(
        "alarms",
        ("nova.cli", "core", "alarms", *data),
        shared,
        is_awaited=False,
        needs=own_process.needed_file(chosen.data_folder()),
    )
    return [
        ChildProcess("writer", ("nova.cli", "core", "writer", *data), shared, stops_last=True),
        ChildProcess("reader", ("nova.cli", "core", "reader", *data), shared, reports_health=True),
        ChildProcess("sampler", sampling, shared, is_awaited=False),
        alarms,
        *([files] if chosen.chosen_drivers() else []),
        *([derive] if chosen.definitions else []),
        *([backup] if chosen.backup_to else []),
        *([notifier] if chosen.notifications else []),
        ChildProcess("edge", ("nova.cli", "edge", *data, "--listen", chosen.listen), shared),
    ]


def modules(chosen: Settings) -> dict[str, tuple[str, ...]]:
    """What each of the instance's processes imports, for those that are forked ahead: those that
    it needs now, and the one that judges alarms where rules will have it started.
    """
    needed = [child.name for child in processes(chosen) if child.is_needed]
    expected = [] if chosen.alarm_rules is None else ["alarms"]
    return {name: MODULES[name] for name in dict.fromkeys((*needed, *expected))}


def publish_url(chosen: Settings) -> str:
    """The URL by which producers on this machine reach the instance."""
    local = f"local://{Path(chosen.data).absolute()}"
    return chosen.transports[0] if chosen.transports else local


async def run(
    chosen: Settings,
    *,
    extra: Sequence[ChildProcess] = (),
    environment: dict[str, str] | None = None,
    as_json: bool = False,
    exit_with_stdin: bool = False,
    notes: Sequence[str] = (),
    logs: LogCollector | None = None,
    standby: Mapping[str, StandbyProcess] = NONE_AHEAD,
) -> None:
    """Run an instance until SIGTERM, SIGINT or, if asked for, the end of stdin. The collector
    receives the logs of its processes; those in `standby` are forked already.
    """
    private.restrict_umask()
    stop = lifecycle.stop_event(exit_with_stdin)
    base = _forked(processes(chosen, environment), standby)
    supervisor = Supervisor(
        [*base, *extra],
        hung_restart_s=chosen.hung_restart_s,
        drain_s=chosen.drain_s,
        logs=logs,
    )
    reporter = ServiceReporter(supervisor.health, ServiceManager.of_environment())
    reporter.start()
    try:
        starting = asyncio.create_task(supervisor.start())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.wait((starting,))
            return
        starting.result()
        stopping.cancel()
        url = base[-1].facts["url"]
        _pin_address(base[-1], url)
        _show_first_password(base[-1].facts.get(FIRST_PASSWORD_FACT))
        _print_ready(url, chosen, as_json, notes)
        await supervisor.watch(stop)
    finally:
        await supervisor.stop(stop.cut)
        await reporter.stop()


def _forked(
    children: list[ChildProcess], standby: Mapping[str, StandbyProcess]
) -> list[ChildProcess]:
    for child in children:
        child.standby = standby.get(child.name)
    return children


def _pin_address(edge: ChildProcess, url: str) -> None:
    """Fix the edge's address, so that it keeps it over restarts even with port 0."""
    edge.arguments = (*edge.arguments[:-1], urlsplit(url).netloc)


def _show_first_password(file: str | None) -> None:
    """Show the generated password of the first user to a person; a log must not have it."""
    if file is None:
        return
    if sys.stderr.isatty():
        path = Path(file)
        click.echo(f"admin password: {path.read_text().strip()}   {PASSWORD_NOTE}", err=True)
        path.unlink()
    else:
        log.warning("the first user's password is in a file", extra={"context": {"file": file}})


def _print_ready(url: str, chosen: Settings, as_json: bool, notes: Sequence[str]) -> None:
    """Nobody has to read it."""
    publish = publish_url(chosen)
    log.info("NOVA is ready", extra={"context": {"url": url, "publish": publish}})
    facts = {"url": url, "publish": publish, "data": str(Path(chosen.data).absolute())}
    if as_json:
        lines = [msgspec.json.encode(facts).decode()]
    else:
        lines = [f"NOVA is ready: {url}  (publish to {publish})", *notes]
    try:
        click.echo("\n".join(lines))
    except BrokenPipeError:
        log.warning("nobody reads what this process prints")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
