"""`nova backup`: copies an archive to another disk or an object store, while NOVA runs or not."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click

from nova.console.printing import print_json
from nova.console.progress_bar import stage_progress
from nova.core.backup.backup_run import BackupRequest, BackupSummary, make_backup
from nova.core.backup.target_place import open_target
from nova.core.disk_reserve import MIB
from nova.sdk import lifecycle, private, settings


@click.command()
@click.option("--data", type=click.Path(path_type=Path), envvar="NOVA_DATA", help="Data folder.")
@click.option(
    "--to", "place", required=True, metavar="PLACE", help="A folder, or s3://BUCKET/PREFIX."
)
@click.option("--keep", type=click.IntRange(1), help="Remove all but the newest N backups.")
@click.option("--with-users", is_flag=True, help="Include users, keys and TCP streams.")
@click.option("--with-settings", is_flag=True, help="Include the file of --config.")
@click.option(
    "--verify-all", is_flag=True, help="Read back what earlier backups copied too, and repair it."
)
@click.option("--config", type=click.Path(path_type=Path), help="A nova.toml.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, without progress.")
def backup(
    data: Path | None,
    place: str,
    keep: int | None,
    with_users: bool,
    with_settings: bool,
    verify_all: bool,
    config: Path | None,
    as_json: bool,
) -> None:
    """Back up an archive, whether NOVA is running on it or not.

    Copies only what the target lacks, reads it back and compares digests. Each backup is whole by
    itself. Samples, checkpoints, alarms and daily files are not included: NOVA makes them again.

    \b
    Examples:
      nova backup --data /archive --to /mnt/backup/nova
      nova backup --data /archive --to s3://bucket/nova --keep 30 --with-users
    """
    if with_settings and config is None:
        raise click.UsageError("--with-settings requires --config")
    private.restrict_umask()
    lifecycle.raise_file_limit()
    lifecycle.take_lowest_priority()
    lifecycle.take_idle_disk_priority()
    chosen = settings.load(config, data=None if data is None else str(data), mode="ground")
    request = BackupRequest(
        chosen.data_folder(), with_users, config if with_settings else None, keep, verify_all
    )
    target = open_target(place, chosen.data_folder(), chosen.reserve_mib * MIB)
    bar = nullcontext(lambda *_: None) if as_json else stage_progress("backup")
    with bar as report:
        summary = make_backup(request, target, report)
    if as_json:
        print_json(summary)
    else:
        _print(summary)


def _print(summary: BackupSummary) -> None:
    click.echo(
        f"backup {summary.generation}: {summary.events:,} events, {summary.bytes / 1e6:,.1f} MB, "
        f"of which {summary.copied_bytes / 1e6:,.1f} MB were copied, in {summary.seconds:,.1f} s"
    )
    if summary.repaired_pieces:
        click.echo(f"{summary.repaired_pieces} damaged pieces were copied again")
    if summary.removed_generations:
        click.echo(
            f"{len(summary.removed_generations)} earlier backups removed, "
            f"{summary.freed_bytes / 1e6:,.1f} MB freed"
        )
