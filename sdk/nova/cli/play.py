"""`nova play`: plays a range of the archive at a rate, in either direction."""

from __future__ import annotations

import math
import sys
from typing import get_args

import click

from nova.cli.event_lines import write_event
from nova.console.archive_options import (
    ArchiveSource,
    TimeParameter,
    filter_options,
    filters_from_options,
    with_archive_source,
)
from nova.sdk.protocol.messages import Rate, Timebase

WORDS: tuple[str, ...] = get_args(get_args(Rate)[1])


class RateParameter(click.ParamType[Rate]):
    """A factor, or the words for unpaced."""

    name = "rate"

    def convert(
        self, value: Rate, param: click.Parameter | None, ctx: click.Context | None
    ) -> Rate:
        """The rate in the protocol's form."""
        if value == "max" or value == "-max":
            return value
        try:
            factor = float(value)
        except ValueError:
            factor = 0.0
        if factor == 0 or not math.isfinite(factor):
            self.fail(f"{value!r} is not a factor other than 0, max or -max", param, ctx)
        return factor


@click.command()
@click.option("--from", "start", type=TimeParameter(), help="Start time; backwards, the later one.")
@click.option("--to", "stop", type=TimeParameter(), help="End time.")
@click.option(
    "--rate",
    type=RateParameter(),
    default=1.0,
    show_default=True,
    help="1 is real time, 10 ten times as fast, -1 backwards; max and -max are unpaced.",
)
@click.option("--timebase", type=click.Choice(["source", "canonical"]), help="Clock that orders.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after this many events.")
@click.option(
    "--json", "as_json", is_flag=True, help="JSON lines on a terminal too (default: a summary)."
)
@filter_options
@with_archive_source
async def play(
    source: ArchiveSource,
    /,
    start: str | None,
    stop: str | None,
    rate: Rate,
    timebase: Timebase | None,
    limit: int | None,
    as_json: bool,
    **narrow: str | None,
) -> None:
    """Print past events at their original pace or another.

    Through an edge streams have the lanes that are named, else metadata, command and ui; the
    Core on this machine streams all lanes.

    \b
    Examples:
      nova play --from 2026-01-31T12:00:00Z --rate 10
      nova play --from 2026-01-31T13:00:00Z --to 2026-01-31T12:00:00Z --rate -max
    """
    left = limit if limit is not None else sys.maxsize
    async with await source.connect() as client:
        stream = client.stream(
            "REPLAY",
            start_time=start,
            stop_time=stop,
            rate=rate,
            timebase=timebase,
            filters=filters_from_options(**narrow),
        )
        async for chunk in stream:
            for event in chunk.events[:left]:
                write_event(bytes(event), as_json)
            sys.stdout.flush()
            left -= len(chunk.events)
            if left <= 0:
                break
