"""`nova recordings`: prints the stretches of telemetry between silences, newest first."""

from __future__ import annotations

import sys

import click
import msgspec
from rich.console import Console

from nova.cli.find import finite
from nova.cli.recording_names import names_over, read_names
from nova.console.archive_options import (
    ArchiveSource,
    filter_options,
    filters_from_options,
    with_archive_source,
)
from nova.console.printing import plain, print_json, warn
from nova.sdk.protocol.message import Timebase
from nova.sdk.protocol.recording_messages import (
    GAP_MAX_S,
    GAP_MIN_S,
    RECORDINGS_LIMIT_MAX,
    RecordingInfo,
    Recordings,
    RecordingsResponse,
)


@click.command()
@click.option(
    "--gap",
    type=click.FloatRange(min=GAP_MIN_S, max=GAP_MAX_S),
    callback=finite,
    metavar="SECONDS",
    help="Silences that divide recordings are longer [learnt from the events].",
)
@click.option("--timebase", type=click.Choice(["source", "canonical"]), help="Clock of the times.")
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of recordings.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines.")
@filter_options
@with_archive_source
async def recordings(
    source: ArchiveSource,
    /,
    gap: float | None,
    timebase: Timebase | None,
    limit: int | None,
    as_json: bool,
    **narrow: str | None,
) -> None:
    """Print the recordings of an archive, newest first: stretches of telemetry (lanes ui, parsed
    and raw, or --lanes) without a silence longer than the gap, with the names that people gave.

    \b
    Examples:
      nova recordings --scope sat1
      nova recordings --unique battery --gap 3600 --limit 5 --json
    """
    request = Recordings(filters=filters_from_options(**narrow), timebase=timebase, gap_seconds=gap)
    left = limit if limit is not None else sys.maxsize
    console, count = Console(), 0
    async with await source.connect() as client:
        names = await read_names(client, request.filters)
        while left:
            request.limit = min(left, RECORDINGS_LIMIT_MAX)
            page = await client.recordings(request)
            for one in page.recordings:
                _write(one, names_over(names, page.timebase, one), console, as_json)
            count += len(page.recordings)
            left -= len(page.recordings)
            # The gap of the first reply is that of all.
            request.gap_seconds, request.after_key = page.gap_seconds, page.next_key
            if page.next_key is None:
                break
    _warn(page, count)


def _write(one: RecordingInfo, names: list[str], console: Console, as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        print_json(msgspec.to_builtins(one) | ({"names": names} if names else {}))
        return
    parts = [one.start_time, one.stop_time]
    if one.events is not None:
        parts.append(f"{one.events:,} events")
    if one.entities is not None:
        parts.append(f"{one.entities:,} entities")
    parts += map(plain, names)
    console.print("  ".join(parts), markup=False, highlight=False)


def _warn(page: RecordingsResponse, count: int) -> None:
    if count:
        warn(f"Divided by silences of more than {page.gap_seconds:g} s (--gap).")
    else:
        warn("No recordings: there is no telemetry, or the filters select none of it.")
