"""`nova lake`: writes days that are over as Parquet, for DuckDB, pandas, Spark."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import cast

import click

from nova.console.archive_options import ArchiveSource, filters_from_options, with_archive_source
from nova.console.printing import print_json, warn
from nova.console.progress_bar import events_progress
from nova.core.backup.backup_target import BackupTarget
from nova.core.backup.target_place import open_target
from nova.core.disk_reserve import MIB
from nova.core.lake.lake_day import LakeDefinition
from nova.core.lake.lake_layout import LAKE, VIEWS_FILE
from nova.core.lake.lake_run import LakeRequest, LakeRun, LakeSummary
from nova.core.lake.lake_source import LakeSource
from nova.core.utc_day import span_of
from nova.sdk import lifecycle, private, settings
from nova.sdk.optional_imports import import_optional
from nova.sdk.protocol.messages import Timebase

NAMED_MAX = 5
DATA = "./nova-data"


@click.command()
@click.option(
    "--to", "place", required=True, metavar="PLACE", help="A folder, or s3://BUCKET/PREFIX."
)
@click.option("--from", "first", metavar="YYYY-MM-DD", help="First day [the archive's first].")
@click.option("--until", "last", metavar="YYYY-MM-DD", help="Last day [the last that is over].")
@click.option(
    "--timebase",
    type=click.Choice(["source", "canonical"]),
    default="canonical",
    help="Clock of the days and of the order in them [canonical].",
)
@click.option("--scopes", metavar="ID,…", help="Only these scopes.")
@click.option("--lanes", metavar="LANE,…", help="Only these lanes, now and in later runs.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, without progress.")
@with_archive_source
async def lake(
    source: ArchiveSource,
    /,
    place: str,
    first: str | None,
    last: str | None,
    timebase: str,
    scopes: str | None,
    lanes: str | None,
    as_json: bool,
) -> None:
    """Write the days that are over as Parquet, by scope and day.

    A lake is a folder, or a prefix in an object store, with
    events/scope=…/day=…/LANE.TYPE.parquet: the header of each event and a typed column for each
    member. views.sql makes it readable by one line of DuckDB. Run it as often as you like, such as
    nightly by cron: a day that is there with the same events is not written again, a sealed one is
    not even read, and a run that was killed is finished by the next.

    Days are those of the receive time, to which nothing is added once they are over. With
    --timebase source they are those of the source time, and late data write their day anew.
    What retention has deleted from the archive stays in the lake.

    \b
    Examples:
      nova lake --data /archive --to /data/lake
      nova lake --url https://station --user ops --to s3://bucket/lake --lanes parsed
      duckdb -init /data/lake/views.sql
      D select day, count(*) from events group by day;
    """
    import_optional("pyarrow.parquet", "parquet", "nova-truth")
    for day in (first, last):
        if day is not None:
            span_of(day)  # Refuses what is no day before anything is read.
    filters = filters_from_options(
        lanes=lanes, scopes=scopes, system=None, container=None, unique=None, types=None,
        view=None, command_id=None,
    )  # fmt: skip
    definition = LakeDefinition(timebase=cast("Timebase", timebase), lanes=filters.lanes)
    request = LakeRequest(definition, filters.scope_ids, first, last)
    private.restrict_umask()
    lifecycle.prepare_for_batches()
    target = _target(place, source)
    bar = nullcontext(lambda *_: None) if as_json else events_progress("lake")
    async with await source.connect() as client:
        with bar as report:
            days = LakeSource(client, definition.timebase, filters)
            summary = await LakeRun(request, days, target).write(report)
    print_json(summary) if as_json else _print(summary)


def _target(place: str, source: ArchiveSource) -> BackupTarget:
    """A folder is named by its whole path, as the views have it. On the disk of a local archive it
    leaves the reserve free.
    """
    where = place if "://" in place else str(Path(place).absolute())
    if source.url is not None:
        return open_target(where, use=LAKE)
    chosen = settings.load(None, data=str(source.data or DATA), mode="ground")
    return open_target(where, chosen.data_folder(), chosen.reserve_mib * MIB, LAKE)


def _print(summary: LakeSummary) -> None:
    if summary.last_day is None:
        click.echo("No day is over yet: there is nothing to write.")
        return
    click.echo(
        f"{summary.days:,} days up to {summary.last_day}: {summary.written:,} written "
        f"({summary.events:,} events, {summary.bytes / 1e6:,.1f} MB), {summary.unchanged:,} "
        f"unchanged, {summary.seconds:,.1f} s; read them by {summary.place}/{VIEWS_FILE}"
    )
    if summary.kept:
        named = ", ".join(summary.kept[:NAMED_MAX])
        warn(
            f"{len(summary.kept):,} days of a scope stay as they are, as the lake has more of "
            f"their events than could be read now: {named}"
        )
