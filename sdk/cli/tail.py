"""`nova tail`: events as they are committed."""

from __future__ import annotations

import sys

import click

from sdk.cli.lines import write_event
from sdk.cli.reading import Source, Time, filter_options, filters_of, reads_from_source
from sdk.protocol import Timebase
from sdk.timeline import StreamGap


def _note(gap: StreamGap) -> None:
    """Say on stderr what this terminal was too slow for."""
    print(
        f"-- too slow: left out {gap.shed} events received from {gap.from_time} to {gap.to_time}",
        file=sys.stderr,
    )


@click.command()
@click.option("--from", "start", type=Time(), help="First play what has been since then.")
@click.option(
    "--timebase",
    type=click.Choice(["source", "canonical"]),
    help="Which clock --from is [the instance's default].",
)
@click.option("--limit", type=click.IntRange(min=1), help="End after so many events.")
@click.option(
    "--json", "as_json", is_flag=True, help="JSON lines at a terminal too (else a summary there)."
)
@filter_options
@reads_from_source
async def tail(
    source: Source,
    /,
    start: str | None,
    timebase: Timebase | None,
    limit: int | None,
    as_json: bool,
    **narrow: str | None,
) -> None:
    """Print events as they come in, until Ctrl-C.

    A terminal that is too slow for what comes in skips to the present and says so. As JSON, and
    where the output is no terminal, nothing is ever left out.

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
            filters=filters_of(**narrow),
            on_gap=_note if for_people else None,
        )
        async for chunk in stream:
            for event in chunk.events[:left]:
                write_event(bytes(event), as_json)
            sys.stdout.flush()
            left -= len(chunk.events)
            if left <= 0:
                break
