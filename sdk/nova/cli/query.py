"""`nova query`: prints a range of the archive, in order, as JSON lines of stored envelopes."""

from __future__ import annotations

import sys

import click

from nova.cli.event_lines import write_event
from nova.console.archive_options import (
    ArchiveSource,
    TimeParameter,
    filter_options,
    filters_from_options,
    with_archive_source,
)
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import Timebase


@click.command()
@click.option("--from", "start", type=TimeParameter(), help="First time, inclusive.")
@click.option("--to", "stop", type=TimeParameter(), help="Last time, inclusive.")
@click.option(
    "--timebase",
    type=click.Choice(["source", "canonical"]),
    help="Clock that orders events [the instance's default].",
)
@click.option("--reverse", is_flag=True, help="Newest first.")
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of events.")
@click.option(
    "--json", "as_json", is_flag=True, help="JSON lines on a terminal too (default: a summary)."
)
@filter_options
@with_archive_source
async def query(
    source: ArchiveSource,
    /,
    start: str | None,
    stop: str | None,
    timebase: Timebase | None,
    reverse: bool,
    limit: int | None,
    as_json: bool,
    **narrow: str | None,
) -> None:
    """Print the events of a time range, in order.

    \b
    Examples:
      nova query --from 2021-04-09T00:00:00Z --to 2021-04-09T00:10:00Z --timebase source
      nova query --lanes parsed --types Battery --limit 10 --reverse
      nova query | jq .payload          JSON lines of stored envelopes
    """
    message = messages.Query(
        start_time=start,
        stop_time=stop,
        timebase=timebase,
        filters=filters_from_options(**narrow),
        reverse=reverse,
        limit=min(limit or messages.QUERY_LIMIT_MAX, messages.QUERY_LIMIT_MAX),
    )
    left = limit if limit is not None else sys.maxsize
    async with await source.connect() as client:
        async for event in client.query(message):
            write_event(event, as_json)
            left -= 1
            if left == 0:
                break
