"""`nova import`: exports read back, through any transport."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import click
import msgspec

from sdk.cli.console import events_progress, say_json, warn
from sdk.errors import NovaError
from sdk.importing import Source, parts, records
from sdk.producer import Producer, Retry
from sdk.settings import GROUND_SCOPE
from sdk.transport.base import Receipt, Rejection, connect

GIVE_UP_AFTER_S = 30.0
REASONS_MAX = 10
LOCAL_SCHEME = "local"


class Imported(msgspec.Struct, rename="camel"):
    """What became of an import's events, as far as the transport can tell."""

    sent: int
    new: int
    duplicate: int
    rejected: int
    unread_files: int


@dataclass
class Sum:
    """The receipts of all parts; of what was refused the first few, however many there are."""

    sent: int = 0
    new: int = 0
    duplicate: int = 0
    rejected: int = 0
    first_rejected: list[Rejection] = field(default_factory=list)

    def add(self, receipt: Receipt, sent: int) -> None:
        """Take in what became of so many."""
        self.sent += sent
        self.new += receipt.new
        self.duplicate += receipt.duplicate
        self.rejected += len(receipt.rejected)
        room = REASONS_MAX - len(self.first_rejected)
        self.first_rejected += receipt.rejected[:room]


@click.command(name="import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--to", "url", required=True, help="Transport: local:///DATA, kafka://HOST:PORT, …")
@click.option("--json", "as_json", is_flag=True, help="The result as one JSON object.")
@click.pass_context
def import_(ctx: click.Context, path: Path, url: str, as_json: bool) -> None:
    """Publish the events of an export again: its zip, a folder, a .jsonl or an .mcap file.

    They have the eventIds that they had, so importing twice changes nothing. Files of other drivers
    are passed over, and named. Exit status 1 says that something was refused.

    \b
    Examples:
      nova import flight.zip --to local:///var/lib/nova
      nova import 2026-01-26/sat1/sat1.mcap --to kafka://broker:9092
    """
    source = Source(path)
    try:
        if not source.content.names:
            raise NovaError(f"{path} holds nothing that can be imported: no .jsonl, no .mcap")
        total = asyncio.run(_run(source, url))
    finally:
        source.close()
    for name in source.content.unread[:REASONS_MAX]:
        warn(f"not read: {name}")
    for rejection in total.first_rejected:
        warn(f"refused: {rejection.code} {rejection.member}: {rejection.reason}")
    unread = len(source.content.unread)
    if as_json:
        say_json(Imported(total.sent, total.new, total.duplicate, total.rejected, unread))
    else:
        click.echo(
            f"{total.sent:,} sent, {total.new:,} new, {total.duplicate:,} known, "
            f"{total.rejected:,} refused"
        )
    if total.rejected:
        ctx.exit(1)


async def _run(source: Source, url: str) -> Sum:
    transport = connect(url)
    is_local = urlsplit(url).scheme == LOCAL_SCHEME
    producer = Producer(transport, GROUND_SCOPE, retry=Retry(deadline_s=GIVE_UP_AFTER_S))
    total = Sum()
    try:
        with events_progress("import") as report:
            for part in parts(records(source.envelopes())):
                if is_local:
                    part = [record._replace(address=None) for record in part]
                total.add(await producer.publish(part), len(part))
                report(total.sent, total.sent, total.sent)
    finally:
        await transport.close()
    return total
