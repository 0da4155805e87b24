"""`nova export`: exports a range as a zip of files, made by the Core."""

from __future__ import annotations

from pathlib import Path

import click

from nova.console.archive_options import (
    ArchiveSource,
    TimeParameter,
    filter_options,
    filters_from_options,
    with_archive_source,
)
from nova.console.printing import print_json
from nova.console.progress_bar import events_progress
from nova.sdk.client import download
from nova.sdk.protocol.export import Export, ExportComplete, ExportProgress
from nova.sdk.protocol.export_links import ExportLinks
from nova.sdk.protocol.messages import Timebase


@click.command()
@click.option(
    "--from", "start", type=TimeParameter(), help="First time, inclusive [the archive's first]."
)
@click.option(
    "--to", "stop", type=TimeParameter(), help="Last time, inclusive [the newest durable]."
)
@click.option(
    "--timebase",
    type=click.Choice(["source", "canonical"]),
    help="Clock that orders events and selects bound drivers [the instance's default].",
)
@click.option("--driver", metavar="ID[@VERSION]", help="Use only this driver [the bound ones].")
@click.option("--out", type=click.Path(path_type=Path), help="The zip to write.")
@click.option(
    "--link",
    "is_linked",
    is_flag=True,
    help="Print links to its MCAP files at the edge of --url, for viewers of remote files.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@filter_options
@with_archive_source
async def export(
    source: ArchiveSource,
    /,
    start: str | None,
    stop: str | None,
    timebase: Timebase | None,
    driver: str | None,
    out: Path | None,
    is_linked: bool,
    as_json: bool,
    **narrow: str | None,
) -> None:
    """Export a range as a zip of files.

    The drivers of the daily files write them.

    \b
    Examples:
      nova export --from 2026-01-26T00:00:00Z --to 2026-01-26T23:59:59.999999999Z --out day.zip
      nova export --lanes parsed --driver parquet --out parsed.zip
      nova export --url https://station --user ops --driver mcap --out flight.zip
      nova export --url https://station --user ops --driver mcap --link
    """
    _check_target(source, out, is_linked)
    message = Export(
        start_time=start,
        stop_time=stop,
        timebase=timebase,
        driver=driver,
        filters=filters_from_options(**narrow),
    )
    async with await source.connect() as client:
        with events_progress("export") as report:

            def show(progress: ExportProgress) -> None:
                report(progress.done, progress.total, progress.done)

            complete = await client.export(message, show)
        token = source.token or client.token
        if out is not None:
            await _download(source, token, complete, out)
        if is_linked:
            assert source.url is not None and token is not None
            _print_links(await download.links(source.url, token, complete), as_json)
    if out is not None:
        _print_summary(complete, out, as_json)


def _check_target(source: ArchiveSource, out: Path | None, is_linked: bool) -> None:
    if (out is None) != is_linked:
        raise click.UsageError("name one of --out, the zip to write, and --link")
    if is_linked and source.url is None:
        raise click.UsageError("--link needs --url: an edge serves the links")


def _print_links(made: ExportLinks, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    for one in made.links:
        click.echo(one.url)
    click.echo(f"valid until {made.expires_at}", err=True)


async def _download(
    source: ArchiveSource, token: str | None, complete: ExportComplete, out: Path
) -> None:
    if source.url is None:
        download.from_folder(source.data or Path("./nova-data"), complete, out)
    else:
        assert token is not None
        await download.from_edge(source.url, token, complete, out)


def _print_summary(complete: ExportComplete, out: Path, as_json: bool) -> None:
    if as_json:
        print_json(complete)
        return
    size = complete.bytes / 1e6
    click.echo(f"{complete.events:,} events, {size:,.1f} MB in {out}; digest {complete.digest}")
    if complete.failures:
        click.echo(f"{complete.failures} streams or files are missing in it: see its export.json")
