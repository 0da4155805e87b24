"""`nova migrate`: brings an archive that an earlier version wrote to today's layout."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click
import msgspec

from nova.console.printing import print_json
from nova.console.progress_bar import stage_progress
from nova.core.store.catalog import SCHEMA_VERSION
from nova.core.store.migration import MigrationPlan, locked_archive, migrate, plan
from nova.core.store.part_layouts import PartLayout, part_layouts
from nova.sdk import lifecycle, private, settings


class MigrationReport(msgspec.Struct, rename="camel"):
    """The output of `nova migrate --json`. The digests are of the eventIds in both orders, the same
    before and after; null if nothing was migrated.
    """

    data: str
    layout: str | None
    target: str
    needed: bool
    migrated: bool
    events: int
    bytes: int
    parts: list[PartLayout]
    kept: str | None = None
    canonical_digest: str | None = None
    source_digest: str | None = None


@click.command(name="migrate")
@click.option("--data", type=click.Path(path_type=Path), envvar="NOVA_DATA", help="Data folder.")
@click.option("--dry-run", is_flag=True, help="Only print what would be done.")
@click.option("--config", type=click.Path(path_type=Path), help="A nova.toml.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, without progress.")
def migrate_command(data: Path | None, dry_run: bool, config: Path | None, as_json: bool) -> None:
    """Bring an archive of an earlier version to this version's layout, while NOVA is stopped.
    Also lists what is beside it, which NOVA brings up to date by itself when it starts.

    The new archive is written beside the old one, which stays as truth.layout-N; events, their
    bytes and both orders are compared before the two are exchanged. It may be interrupted at any
    time and started again. Samples, checkpoints, alarms and daily files are made anew when NOVA
    starts.

    \b
    Examples:
      nova migrate --data /archive --dry-run
      nova migrate --data /archive
    """
    private.restrict_umask()
    lifecycle.raise_file_limit()
    chosen = settings.load(config, data=None if data is None else str(data), mode="ground")
    with locked_archive(chosen.data_folder(), to_write=not dry_run):
        wanted = plan(chosen.data_folder())
        report = _report(wanted)
        if not dry_run:
            bar = nullcontext(lambda *_: None) if as_json else stage_progress("migration")
            with bar as progress:
                digests = migrate(wanted, progress)
            if digests is not None:
                report.migrated = True
                report.canonical_digest, report.source_digest = digests.canonical, digests.source
    if as_json:
        print_json(report)
    else:
        _print(report)


def _report(wanted: MigrationPlan) -> MigrationReport:
    return MigrationReport(
        data=str(wanted.data),
        layout=wanted.layout,
        target=SCHEMA_VERSION.decode(),
        needed=wanted.is_needed,
        migrated=False,
        events=wanted.events,
        bytes=wanted.bytes,
        parts=part_layouts(wanted.data, is_migrated=wanted.is_needed),
        kept=str(wanted.kept) if wanted.is_needed else None,
    )


def _print(report: MigrationReport) -> None:
    _print_archive(report)
    for part in report.parts:
        click.echo(part.line())


def _print_archive(report: MigrationReport) -> None:
    if not report.needed:
        click.echo(f"{report.data} has layout {report.target}: nothing to migrate")
        return
    what = f"{report.events:,} events, {report.bytes / 1e6:,.1f} MB"
    if not report.migrated:
        click.echo(
            f"{report.data} has layout {report.layout}: {what} would be written in layout "
            f"{report.target}, and the old archive kept in {report.kept}"
        )
        return
    click.echo(f"{report.data} has layout {report.target} now: {what}")
    click.echo(f"the old archive is in {report.kept}: remove it when you no longer need it")
