"""`nova import`: exports read back, through any transport and the Core's own door."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import click
import msgspec

from sdk.cli.console import events_progress, say_json, warn
from sdk.cli.reading import Source, reads_from_source
from sdk.errors import NovaError
from sdk.importer import Door, Importer
from sdk.importing import Source as Export
from sdk.importing import parts, records
from sdk.producer import Producer, Retry
from sdk.settings import GROUND_SCOPE
from sdk.transport.base import Receipt, Rejection, connect

GIVE_UP_AFTER_S = 30.0
REASONS_MAX = 10
LOCAL_SCHEME = "local"
SOCKET_SUFFIX = ".sock"


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
    undelivered: int = 0
    """Of kinds that only a Core writes, sent over the transport for want of a Core."""

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
@click.option("--to", required=True, help="Transport: local:///DATA, kafka://HOST:PORT, …")
@click.option("--json", "as_json", is_flag=True, help="The result as one JSON object.")
@reads_from_source
async def import_(core: Source, /, path: Path, to: str, as_json: bool) -> None:
    """Publish the events of an export again: its zip, a folder, a .jsonl or an .mcap file.

    They have the eventIds that they had, so importing twice changes nothing. What only a Core
    writes (manifests, bindings, gaps, audit, acknowledged alarms) goes to the Core itself, which is
    the one of local:///DATA, of --data, or behind the edge of --url as an administrator. Files of
    other drivers are passed over, and named. Exit status 1 says that something was refused.

    \b
    Examples:
      nova import flight.zip --to local:///var/lib/nova
      nova import flight.zip --to kafka://broker:9092 --url https://nova.example --user admin
    """
    export = Export(path)
    try:
        if not export.content.names:
            raise NovaError(f"{path} holds nothing that can be imported: no .jsonl, no .mcap")
        total = await _run(export, to, _door(core, to))
    finally:
        export.close()
    for name in export.content.unread[:REASONS_MAX]:
        warn(f"not read: {name}")
    for rejection in total.first_rejected:
        warn(f"refused: {rejection.code} {rejection.member}: {rejection.reason}")
    if total.undelivered:
        warn(
            f"{total.undelivered:,} events of kinds that only a Core writes went over {to}: a Core "
            "refuses those of its own scope; name it by --data or --url and import again"
        )
    unread = len(export.content.unread)
    if as_json:
        say_json(Imported(total.sent, total.new, total.duplicate, total.rejected, unread))
    else:
        click.echo(
            f"{total.sent:,} sent, {total.new:,} new, {total.duplicate:,} known, "
            f"{total.rejected:,} refused"
        )
    if total.rejected:
        sys.exit(1)


def _door(core: Source, to: str) -> Door | None:
    """Where the Core of an import is reached: by an edge, in the folder that it publishes to, or in
    the one that is named.
    """
    if core.url is not None:
        return Door.of(core.connect, is_local=False)
    folder = Path(to.removeprefix(f"{LOCAL_SCHEME}://"))
    if folder.is_absolute() and folder.suffix != SOCKET_SUFFIX:
        return Door.of(Source(folder, None, None, None, None).connect, is_local=True)
    return None if core.data is None else Door.of(core.connect, is_local=True)


async def _run(export: Export, to: str, door: Door | None) -> Sum:
    transport = connect(to)
    is_local = urlsplit(to).scheme == LOCAL_SCHEME
    retry = Retry(deadline_s=GIVE_UP_AFTER_S)
    importer = Importer(Producer(transport, GROUND_SCOPE, retry=retry), door, retry)
    total = Sum()
    try:
        with events_progress("import") as report:
            for part in parts(records(export.envelopes())):
                if is_local:
                    part = [record._replace(address=None) for record in part]
                total.add(await importer.bring(part), len(part))
                report(total.sent, total.sent, total.sent)
    finally:
        await importer.close()
        await transport.close()
    total.undelivered = importer.undelivered
    return total
