"""`nova core`: runs single processes of the Core, as `nova up` does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import click

from nova.sdk import logs, private, settings, stored_files


def _load(config: Path | None, data: Path | None) -> settings.Settings:
    return settings.load(config, data=None if data is None else str(data))


def process_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every Core process."""
    for option in (
        click.option("--exit-with-stdin", is_flag=True, help="Exit when stdin closes."),
        click.option("--config", type=click.Path(path_type=Path), help="Path of a nova.toml."),
        click.option("--data", type=click.Path(path_type=Path), help="Archive folder."),
    ):
        command = option(command)
    return command


@click.group()
def core() -> None:
    """Run one process of the Core by hand.

    `nova up` runs all of them with an edge and restarts those that fail; these commands are for
    service managers that do this themselves. Settings come from NOVA_* variables and --config.

    \b
    Examples:
      NOVA_SCOPE=sat1 nova core writer --data /archive
      nova core reader --config /etc/nova/nova.toml
    """


@core.command()
@process_options
def writer(data: Path | None, config: Path | None, exit_with_stdin: bool) -> None:
    """Run the writer, which consumes the transports and commits. One per archive."""
    from nova.core.writer import writer_process

    logs.configure("writer")
    chosen = _load(config, data)
    stored_files.restrict_umask(chosen.group)
    asyncio.run(writer_process.serve(chosen, exit_with_stdin=exit_with_stdin))


@core.command()
@process_options
def reader(data: Path | None, config: Path | None, exit_with_stdin: bool) -> None:
    """Run a reader, which serves queries and streams. Several per archive are possible."""
    from nova.core.server import reader_process

    logs.configure("reader")
    private.restrict_umask()
    asyncio.run(reader_process.serve(_load(config, data), exit_with_stdin=exit_with_stdin))


@core.command()
@process_options
@click.option("--hands-over-alarms", is_flag=True, help="Leave alarms to `nova core alarms`.")
def sampler(
    data: Path | None, config: Path | None, exit_with_stdin: bool, hands_over_alarms: bool
) -> None:
    """Run the sampler, which maintains samples, checkpoints and alarms. One per archive."""
    from nova.core.derived import sampler_process

    logs.configure("sampler")
    chosen = _load(config, data)
    stored_files.restrict_umask(chosen.group)
    asyncio.run(
        sampler_process.serve(
            chosen, exit_with_stdin=exit_with_stdin, hands_over_alarms=hands_over_alarms
        )
    )


@core.command()
@process_options
def alarms(data: Path | None, config: Path | None, exit_with_stdin: bool) -> None:
    """Run the process that judges alarms, beside a sampler with --hands-over-alarms. One per
    archive.
    """
    from nova.core.derived import alarms_process

    logs.configure("alarms")
    chosen = _load(config, data)
    stored_files.restrict_umask(chosen.group)
    asyncio.run(alarms_process.serve(chosen, exit_with_stdin=exit_with_stdin))


@core.command()
@process_options
def files(data: Path | None, config: Path | None, exit_with_stdin: bool) -> None:
    """Run the daily files process, which writes durable events to files. One per archive."""
    from nova.core.files import files_process

    logs.configure("files")
    chosen = _load(config, data)
    stored_files.restrict_umask(chosen.group)
    asyncio.run(files_process.serve(chosen, exit_with_stdin=exit_with_stdin))


@core.command()
@process_options
def backup(data: Path | None, config: Path | None, exit_with_stdin: bool) -> None:
    """Run the backup process, which makes the scheduled backups. One per archive."""
    from nova.core.backup import backup_process

    logs.configure("backup")
    private.restrict_umask()
    asyncio.run(backup_process.serve(_load(config, data), exit_with_stdin=exit_with_stdin))


@core.command()
@process_options
def derive(data: Path | None, config: Path | None, exit_with_stdin: bool) -> None:
    """Run the process that derives telemetry live by definitions. One per archive."""
    from nova.core.derivation import derive_process

    logs.configure("derive")
    private.restrict_umask()
    asyncio.run(derive_process.serve(_load(config, data), exit_with_stdin=exit_with_stdin))


@core.command(hidden=True)
@click.option("--memory-mib", type=int, required=True, help="Most memory beyond its start.")
def formula_worker(memory_mib: int) -> None:
    """Run one process of formulas, which its parent controls on stdin and stdout."""
    from nova.core.derivation import formula_worker as process

    logs.configure("formulas")
    process.serve(memory_mib)


@core.command()
@process_options
def notifier(data: Path | None, config: Path | None, exit_with_stdin: bool) -> None:
    """Run the notifier, which sends notifications of alarms. One per archive."""
    from nova.core.notifications import notifier_process

    logs.configure("notifier")
    private.restrict_umask()
    asyncio.run(notifier_process.serve(_load(config, data), exit_with_stdin=exit_with_stdin))


@core.command(hidden=True)
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Archive folder.")
def check_worker(data: Path) -> None:
    """Run one worker of `nova verify`, which controls it on stdin and stdout."""
    from nova.core.proof import check_worker as process

    logs.configure("verify")
    process.serve(data)


@core.command(hidden=True)
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Archive folder.")
@click.option("--background", is_flag=True, help="With few resources, beside a running instance.")
def range_worker(data: Path, background: bool) -> None:
    """Run one worker of a replay or an export, which controls it on stdin and stdout."""
    from nova.core.batch import range_worker as process

    logs.configure("exporter" if background else "shard")
    if background:
        private.restrict_umask()
    process.serve(data, is_background=background)
