"""`nova core`: the Core's processes one by one, as `nova up` starts them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import click

from sdk import logs, private, settings


def _load(config: Path | None, data: Path | None) -> settings.Settings:
    return settings.load(config, data=None if data is None else str(data))


def process_options(command: Callable[..., None]) -> Callable[..., None]:
    """What each of the Core's processes is told."""
    for option in (
        click.option("--exit-with-stdin", is_flag=True, help="End when stdin closes."),
        click.option("--config", type=click.Path(path_type=Path), help="A nova.toml."),
        click.option("--data", type=click.Path(path_type=Path), help="Folder of the archive."),
    ):
        command = option(command)
    return command


@click.group()
def core() -> None:
    """Run one process of the Core by hand.

    `nova up` runs all of them and an edge and restarts what dies; these are for service managers
    that want to do that themselves. Settings come from NOVA_* variables and --config.
    """


@core.command()
@process_options
def writer(data: Path | None, config: Path | None, exit_with_stdin: bool) -> None:
    """The writer: consumes the transports and commits; one per archive."""
    from core.writer import app

    logs.configure("writer")
    private.begin()
    asyncio.run(app.serve(_load(config, data), exit_with_stdin=exit_with_stdin))


@core.command()
@process_options
def reader(data: Path | None, config: Path | None, exit_with_stdin: bool) -> None:
    """A reader: serves queries and streams; as many per archive as there are cores to spare."""
    from core.reader import app

    logs.configure("reader")
    private.begin()
    asyncio.run(app.serve(_load(config, data), exit_with_stdin=exit_with_stdin))


@core.command()
@process_options
def sampler(data: Path | None, config: Path | None, exit_with_stdin: bool) -> None:
    """The sampler: keeps least, greatest and mean values over time for plots; one per archive."""
    from core.samples import app

    logs.configure("sampler")
    private.begin()
    asyncio.run(app.serve(_load(config, data), exit_with_stdin=exit_with_stdin))


@core.command()
@process_options
def files(data: Path | None, config: Path | None, exit_with_stdin: bool) -> None:
    """Daily files: writes what becomes durable by drivers; one per archive."""
    from core.files import app

    logs.configure("files")
    private.begin()
    asyncio.run(app.serve(_load(config, data), exit_with_stdin=exit_with_stdin))


@core.command(hidden=True)
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder.")
def exporter(data: Path) -> None:
    """One process of an export, which a reader talks to on stdin and stdout."""
    from core.exports import worker

    logs.configure("exporter")
    private.begin()
    worker.serve(data)


@core.command(hidden=True)
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder.")
def shard(data: Path) -> None:
    """One process of `nova replay`, which talks to it on stdin and stdout."""
    from core.replay import shard as process

    logs.configure("shard")
    process.serve(data)
