"""`nova rejects`: lists refused records and the rules that they broke."""

from __future__ import annotations

import sys

import click
import msgspec
from rich.console import Console
from rich.table import Table

from nova.console.archive_options import ArchiveSource, with_archive_source
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import RejectInfo

WIDE_CHARS = 240
"""Width of the table if the output is not a terminal."""


@click.command()
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="Maximum number of records.",
)
@click.option("--after", type=int, help="Only records after this number.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object per line, raw bytes as base64."
)
@with_archive_source
async def rejects(source: ArchiveSource, /, limit: int, after: int | None, as_json: bool) -> None:
    """List refused records and the rules that they broke.

    \b
    Examples:
      nova rejects
      nova rejects --json | jq -r .raw | base64 -d
    """
    async with await source.connect() as client:
        page = await client.rejects(messages.Rejects(limit=limit, after=after))
    if as_json:
        for reject in page.rejects:
            sys.stdout.buffer.write(msgspec.json.encode(reject) + b"\n")
        return
    console = Console(width=None if sys.stdout.isatty() else WIDE_CHARS)
    if not page.rejects:
        console.print(
            "No records were refused." if after is None else "No further refused records."
        )
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
