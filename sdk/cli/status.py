"""`nova status`: what an instance holds and what feeds it."""

from __future__ import annotations

import sys

import click
import msgspec
from rich.console import Console
from rich.table import Table

from sdk.cli.reading import Source, reads_from_source
from sdk.protocol import StatusResponse


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@reads_from_source
async def status(source: Source, /, as_json: bool) -> None:
    """Show what an instance holds and what feeds it.

    \b
    Examples:
      nova status --data ./nova-data
      nova status --url http://127.0.0.1:8800 --user admin --json
    """
    async with await source.connect() as client:
        found = await client.status()
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
    else:
        _print(Console(), found)


def _print(console: Console, found: StatusResponse) -> None:
    scope = found.scope_id or "all scopes"
    writer = "connected" if found.writer_connected else "[red]away[/red]"
    console.print(f"{found.mode} of {scope}, timebase {found.timebase}, writer {writer}")
    console.print(
        f"{found.events:,} events in {found.series:,} series, {found.duplicates:,} duplicates, "
        f"{found.rejects:,} refused, {found.bytes_on_disk / 1e6:,.1f} MB on disk"
    )
    console.print(f"durable up to {found.durable_time or 'nothing yet'}")
    table = Table("link", "received", "new", "duplicate", "refused", "positions")
    for link in found.links:
        counts = (link.received, link.new, link.duplicate, link.rejected)
        positions = ", ".join(f"{stream}: {at}" for stream, at in sorted(link.positions.items()))
        table.add_row(link.link, *(f"{count:,}" for count in counts), positions)
    if found.links:
        console.print(table)
