"""`nova up`: runs a complete NOVA for one archive."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from nova.cli import local_instance
from nova.cli.log_collector import collected_logs
from nova.cli.standby import standby_processes
from nova.sdk import logs, settings


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the archive.")
@click.option(
    "--listen", metavar="HOST:PORT", help="Where browsers connect; port 0 picks a free one."
)
@click.option(
    "--transport",
    "transports",
    metavar="URL",
    multiple=True,
    help="Transport to consume; repeatable.",
)
@click.option("--scope", metavar="ID", help="The scope of which this payload is the authority.")
@click.option("--ground", is_flag=True, help="Accept every scope (an archive on the ground).")
@click.option(
    "--config", type=click.Path(path_type=Path), help="A nova.toml with these and more settings."
)
@click.option("--json", "as_json", is_flag=True, help="Print the ready line as JSON.")
@click.option("--exit-with-stdin", is_flag=True, help="Exit when stdin closes.")
@click.pass_obj
def up(
    may_fork: bool | None,
    data: Path | None,
    listen: str | None,
    transports: tuple[str, ...],
    scope: str | None,
    ground: bool,
    config: Path | None,
    as_json: bool,
    exit_with_stdin: bool,
) -> None:
    """Run NOVA for one archive.

    Starts a writer, a reader, a sampler, an edge and, if drivers are set, a daily files
    process, and restarts those that exit.

    \b
    Examples:
      nova up --scope sat1                        an archive in ./nova-data, local producers
      nova up --scope sat1 --transport kafka://broker:9092
      nova up --ground --transport kafka://broker:9092 --data /archive --listen 0.0.0.0:8800
    """
    logs.configure("up")
    chosen = settings.load(
        config,
        data=None if data is None else str(data),
        listen=listen,
        transports=transports or None,
        scope=scope,
        mode="ground" if ground else None,
    )
    modules = local_instance.modules(chosen) if may_fork else {}
    with standby_processes(modules) as standby, collected_logs(chosen) as collector:
        asyncio.run(
            local_instance.run(
                chosen,
                as_json=as_json,
                exit_with_stdin=exit_with_stdin,
                logs=collector,
                standby=standby,
            )
        )
