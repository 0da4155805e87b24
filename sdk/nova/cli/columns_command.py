"""`nova columns`: reads fields of a series as columns, into a file or as lines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

import click

from nova.cli.column_files import check_file, write_file
from nova.cli.find import UNKNOWN_SERIES, message_type, series_options, unknown_field
from nova.console.archive_options import ArchiveSource, TimeParameter, with_archive_source
from nova.console.printing import warn
from nova.sdk.client.column_lines import csv_lines, json_lines
from nova.sdk.client.column_table import NUMPY_EXTRA, ColumnTable
from nova.sdk.optional_imports import import_optional
from nova.sdk.protocol.column_messages import ROWS_LIMIT_MAX, Columns
from nova.sdk.protocol.messages import Timebase


@click.command()
@click.argument("fields", metavar="FIELD...", nargs=-1, required=True)
@click.option("--from", "start", type=TimeParameter(), help="First time, inclusive.")
@click.option("--to", "stop", type=TimeParameter(), help="Last time, inclusive.")
@click.option(
    "--timebase",
    type=click.Choice(["source", "canonical"]),
    help="Clock of the times and of the order [the instance's default].",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write this file, as its ending says: .csv, .npz, .arrow, .feather or .parquet.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines [CSV].")
@series_options
@with_archive_source
async def columns(
    source: ArchiveSource, /, out: Path | None, as_json: bool, **options: object
) -> None:
    """Read fields of a series as columns: one row for each event that has one of them.

    A FIELD is the path of a number, a boolean or an enumerated text inside an event's payload or
    data, such as gps.lat. Rows are in the order of the timebase, also those that came late; rows of
    equal source times are in the order of arrival. What an event does not have is empty (CSV),
    absent (JSON) or null. In source time the newest rows may be missing while columns are being
    made of them: then stderr says from when on, and --timebase canonical has them. A field with
    numbers and texts makes two columns, the second named "FIELD (text)".

    \b
    Examples (each with --scope, --system, --container, --unique and --type):
      nova columns volts amps                        CSV on stdout
      nova columns volts --from 2026-01-31T12:00:00Z --json
      nova columns volts mode --out battery.parquet  for pandas, DuckDB, Spark, …
      nova columns volts --out volts.npz             numpy.load("volts.npz")["volts"]
      nova columns volts --url https://station --user ops --out volts.csv

    .arrow, .feather and .parquet need pyarrow, which the extra `arrow` of nova-sdk brings.
    """
    if out is not None and as_json:
        raise click.UsageError("give one of --out and --json")
    import_optional("numpy", NUMPY_EXTRA)
    if out is not None:
        check_file(out)
    async with await source.connect() as client:
        table = await client.columns(_request(options))
    if out is not None:
        write_file(table, out)
        click.echo(f"{len(table):,} rows of {', '.join(table.names) or 'no field'} in {out}")
    else:
        sys.stdout.buffer.writelines(json_lines(table) if as_json else csv_lines(table))
    _warn_of_missing(table, cast("tuple[str, ...]", options["fields"]))


def _warn_of_missing(table: ColumnTable, fields: tuple[str, ...]) -> None:
    known = [path for path in fields if path not in table.unknown_fields]
    absent = [path for path in known if path not in table.fields or not len(table)]
    if table.unknown_fields:
        warn(unknown_field(table.unknown_fields))
    if table.unknown_series:
        warn(UNKNOWN_SERIES)
    elif absent:
        warn(f"No event of the span has {', '.join(absent)}: see what a series has by nova query.")
    if table.behind:
        end = f"after {table.complete_until}" if table.complete_until else "so far"
        warn(f"Events received {end} are missing: add --timebase canonical, or run this later.")


def _request(options: dict[str, object]) -> Columns:
    return Columns(
        scope_id=str(options["scope"]),
        system_id=str(options["system"]),
        container_id=str(options["container"]),
        unique_id=str(options["unique"]),
        lane="ui" if options["lane"] == "ui" else "parsed",
        message_type=message_type(options),
        view_id=str(options["view"]),
        fields=list(cast("tuple[str, ...]", options["fields"])),
        limit=ROWS_LIMIT_MAX,
        start_time=cast("str | None", options["start"]),
        stop_time=cast("str | None", options["stop"]),
        timebase=cast("Timebase | None", options["timebase"]),
    )
