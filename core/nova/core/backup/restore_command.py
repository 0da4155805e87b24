"""`nova restore`: puts a backup of an archive into an empty data folder."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click

from nova.console.printing import print_json
from nova.console.progress_bar import stage_progress
from nova.core.backup.backup_target import BackupTarget
from nova.core.backup.generation import require_generations
from nova.core.backup.restore_run import RestoreSummary
from nova.core.backup.restore_run import restore as restore_backup
from nova.core.backup.target_place import open_target
from nova.sdk import lifecycle, private


@click.command()
@click.option(
    "--from", "place", required=True, metavar="PLACE", help="A folder, or s3://BUCKET/PREFIX."
)
@click.option("--data", type=click.Path(path_type=Path), help="Empty folder to restore into.")
@click.option("--generation", metavar="NAME", help="One of --list [the newest].")
@click.option("--list", "is_list", is_flag=True, help="List the backups, and restore nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, without progress.")
def restore(
    place: str, data: Path | None, generation: str | None, is_list: bool, as_json: bool
) -> None:
    """Restore a backup into an empty folder.

    Verifies the digests of every file and of the events. NOVA starts on the folder as on any other,
    and continues with its transports where the backup ended.

    \b
    Examples:
      nova restore --from /mnt/backup/nova --list
      nova restore --from /mnt/backup/nova --data /archive
    """
    target = open_target(place)
    if is_list:
        _list(target, as_json)
        return
    if data is None:
        raise click.UsageError("give the folder to restore into with --data, or --list")
    private.restrict_umask()
    lifecycle.raise_file_limit()
    bar = nullcontext(lambda *_: None) if as_json else stage_progress("restore")
    with bar as report:
        summary = restore_backup(target, data, report, generation)
    if as_json:
        print_json(summary)
    else:
        _print(summary)


def _list(target: BackupTarget, as_json: bool) -> None:
    names = require_generations(target)
    if as_json:
        print_json(names)
        return
    for name in names:
        click.echo(name)


def _print(summary: RestoreSummary) -> None:
    click.echo(
        f"restored backup {summary.generation} to {summary.data}: {summary.events:,} events up to "
        f"{summary.durable_time or 'none'}, {summary.bytes / 1e6:,.1f} MB, in "
        f"{summary.seconds:,.1f} s"
    )
    if not summary.has_users:
        click.echo("it has no users: the first start makes the user admin (see docs/operations.md)")
    if summary.has_settings:
        click.echo(f"its settings are in {summary.data}/settings: put them where they belong")
