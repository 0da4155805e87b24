"""`nova tail`: prints events as they are committed."""

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
from nova.sdk.protocol.messages import Timebase
from nova.sdk.protocol.timeline import StreamGap


def _report_gap(gap: StreamGap) -> None:
    """Report on stderr the events that were dropped because this terminal was too slow."""
    print(
        f"-- too slow: dropped {gap.shed} events received from {gap.from_time} to {gap.to_time}",
        file=sys.stderr,
    )


@click.command()
@click.option(
    "--from", "start", type=TimeParameter(), help="First print the events since this time."
)
@click.option(
    "--timebase",
    type=click.Choice(["source", "canonical"]),
    help="Clock of --from [the instance's default].",
)
@click.option("--limit", type=click.IntRange(min=1), help="Stop after this many events.")
@click.option(
    "--json", "as_json", is_flag=True, help="JSON lines on a terminal too (default: a summary)."
)
@filter_options
@with_archive_source
async def tail(
    source: ArchiveSource,
    /,
    start: str | None,
    timebase: Timebase | None,
    limit: int | None,
    as_json: bool,
    **narrow: str | None,
) -> None:
    """Print events as they are committed, until Ctrl-C.

    A terminal that is too slow skips to the present and reports the dropped events. With --json, or
    if the output is not a terminal, no event is dropped.

    \b
    Examples:
      nova tail
      nova tail --lanes ui,metadata --json
      nova tail --from 2026-01-31T12:00:00Z     history first, then live
    """
    left = limit if limit is not None else sys.maxsize
    for_people = sys.stdout.isatty() and not as_json
    async with await source.connect() as client:
        stream = client.stream(
            "LIVE",
            start_time=start,
            timebase=timebase,
            filters=filters_from_options(**narrow),
            on_gap=_report_gap if for_people else None,
        )
        async for chunk in stream:
            for event in chunk.events[:left]:
                write_event(bytes(event), as_json)
            sys.stdout.flush()
            left -= len(chunk.events)
            if left <= 0:
                break
