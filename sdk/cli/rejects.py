"""`nova rejects`: the records that were refused, and why."""

from __future__ import annotations

import sys

import click
import msgspec
from rich.console import Console
from rich.table import Table

from sdk import protocol
from sdk.cli.reading import Source, reads_from_source
from sdk.protocol import RejectInfo

WIDE_CHARS = 240
"""Width of the table where no terminal says its own."""


@click.command()
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="At most so many records.",
)
@click.option("--after", type=int, help="Only those after this number.")
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object per line, raw bytes as base64."
)
@reads_from_source
async def rejects(source: Source, /, limit: int, after: int | None, as_json: bool) -> None:
    """List the records that were refused, with the member and the rule that each broke.

    \b
    Examples:
      nova rejects
      nova rejects --json | jq -r .raw | base64 -d
    """
    async with await source.connect() as client:
        page = await client.rejects(protocol.Rejects(limit=limit, after=after))
    if as_json:
        for reject in page.rejects:
            sys.stdout.buffer.write(msgspec.json.encode(reject) + b"\n")
        return
    console = Console(width=None if sys.stdout.isatty() else WIDE_CHARS)
    if not page.rejects:
        console.print("Nothing was refused." if after is None else "Nothing more was refused.")
        return
    console.print(_table(page.rejects))
    console.print(f"{len(page.rejects)} of {page.total} refused records")


def _table(found: list[RejectInfo]) -> Table:
    table = Table("no.", "time", "code", "member", "reason", "from", "bytes")
    for reject in found:
        origin = reject.position or reject.link
        table.add_row(
            str(reject.number),
            reject.time,
            reject.code,
            reject.member,
            reject.reason,
            origin,
            str(reject.size),
        )
    return table
