"""`nova import`: publishes exports again, over any transport and through a Core."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import click
import msgspec

from nova.console.archive_options import ArchiveSource, with_archive_source
from nova.console.printing import print_json, warn
from nova.console.progress_bar import events_progress
from nova.recordings.export_reader import DigestState, batches, publishable_records
from nova.recordings.export_reader import ExportReader as Export
from nova.recordings.importer import AdminAccess, Importer
from nova.sdk.errors import NovaError
from nova.sdk.producer.producer import Producer, Retry
from nova.sdk.settings import GROUND_SCOPE
from nova.sdk.transport.base import Receipt, Rejection, connect

RETRY_DEADLINE_S = 30.0
REASONS_MAX = 10
LOCAL_SCHEME = "local"
SOCKET_SUFFIX = ".sock"
DIGEST_TEXTS: dict[DigestState, str] = {
    "fits": "the digest matches",
    "differs": "the digest does not match",
    "unchecked": "no digest was checked",
}


class ImportResult(msgspec.Struct, rename="camel"):
    """The outcome of an import's events, as far as the transport reports it."""

    sent: int
    new: int
    duplicate: int
    rejected: int
    unread_files: int
    problems: int
    """Missing or damaged items, each named on stderr."""

    digest: DigestState


@dataclass
class ImportTotals:
    """The summed receipts of all parts; keeps the first REASONS_MAX rejections."""

    sent: int = 0
    new: int = 0
    duplicate: int = 0
    rejected: int = 0
    undelivered: int = 0
    """Events of kinds that only a Core writes, sent over the transport because no Core was given.
    """

    first_rejected: list[Rejection] = field(default_factory=list)

    def add(self, receipt: Receipt, sent: int) -> None:
        """Add the receipt of a part with `sent` records."""
        self.sent += sent
        self.new += receipt.new
        self.duplicate += receipt.duplicate
        self.rejected += len(receipt.rejected)
        room = REASONS_MAX - len(self.first_rejected)
        self.first_rejected += receipt.rejected[:room]


@click.command(name="import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--to", required=True, help="Transport: local:///DATA, kafka://HOST:PORT, …")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@with_archive_source
async def import_(core: ArchiveSource, /, path: Path, to: str, as_json: bool) -> None:
    """Publish the events of an export again.

    PATH is its zip, a folder, a .jsonl or an .mcap file. Events keep their eventIds, so importing
    twice changes nothing. Events that only a Core writes (manifests, bindings, gaps, audit,
    acknowledged alarms) go directly to the Core: the one of local:///DATA, of --data, or behind the
    edge of --url as an administrator. Files of other drivers are skipped and named.

    The import checks what `export.json` lists: files, their events and the digest. From a damaged
    export it imports what can be read and names what is missing. Exit status 1 means that something
    is missing, damaged or was refused.

    \b
    Examples:
      nova import flight.zip --to local:///var/lib/nova
      nova import flight.zip --to kafka://broker:9092 --url https://nova.example --user admin
    """
    export = Export(path)
    try:
        if not export.content.names and not export.has_manifest and not export.problems:
            raise NovaError(f"{path} contains nothing to import: no .jsonl and no .mcap file")
        total = await _run(export, to, _door(core, to))
    except NovaError:
        _warn_of_damage(export)
        raise
    finally:
        export.close()
    if not export.content.names and not export.problems:
        raise NovaError(f"{path} contains nothing to import: no .jsonl and no .mcap file")
    _print_result(export, total, to, as_json)
    if total.rejected or export.problems:
        sys.exit(1)


def _print_result(export: Export, total: ImportTotals, to: str, as_json: bool) -> None:
    """Print warnings on stderr and counts on stdout."""
    _warn_of_lines(export.notes)
    _warn_of_damage(export)
    for rejection in total.first_rejected:
        warn(f"refused: {rejection.code} {rejection.member}: {rejection.reason}")
    if total.undelivered:
        warn(
            f"{total.undelivered:,} events of kinds that only a Core writes were sent over {to}: a "
            "Core refuses those of its own scope; name the Core by --data or --url and import again"
        )
    unread = len(export.content.unread)
    if as_json:
        counts = (total.sent, total.new, total.duplicate, total.rejected, unread)
        print_json(ImportResult(*counts, len(export.problems), export.digest))
    else:
        click.echo(
            f"{total.sent:,} sent, {total.new:,} new, {total.duplicate:,} duplicate, "
            f"{total.rejected:,} refused; {DIGEST_TEXTS[export.digest]}"
        )


def _warn_of_damage(export: Export) -> None:
    _warn_of_lines([f"damaged or missing: {problem}" for problem in export.problems])


def _warn_of_lines(lines: list[str]) -> None:
    """Print the first REASONS_MAX lines, and how many more there are."""
    for line in lines[:REASONS_MAX]:
        warn(line)
    if len(lines) > REASONS_MAX:
        warn(f"… and {len(lines) - REASONS_MAX:,} more")


def _door(core: ArchiveSource, to: str) -> AdminAccess | None:
    """The connection to the Core of an import: by its edge, in the folder of `to`, or in --data."""
    if core.url is not None:
        return AdminAccess.of_core(core.connect, is_local=False)
    folder = Path(to.removeprefix(f"{LOCAL_SCHEME}://"))
    if folder.is_absolute() and folder.suffix != SOCKET_SUFFIX:
        return AdminAccess.of_core(
            ArchiveSource(folder, None, None, None, None).connect, is_local=True
        )
    return None if core.data is None else AdminAccess.of_core(core.connect, is_local=True)


async def _run(export: Export, to: str, door: AdminAccess | None) -> ImportTotals:
    transport = connect(to)
    is_local = urlsplit(to).scheme == LOCAL_SCHEME
    retry = Retry(deadline_s=RETRY_DEADLINE_S)
    importer = Importer(Producer(transport, GROUND_SCOPE, retry=retry), door, retry)
    total = ImportTotals()
    try:
        with events_progress("import") as report:
            for part in batches(publishable_records(export.envelopes())):
                if is_local:
                    part = [record._replace(address=None) for record in part]
                total.add(await importer.import_records(part), len(part))
                report(total.sent, total.sent, total.sent)
    finally:
        await importer.close()
        await transport.close()
    total.undelivered = importer.reserved_over_transport
    return total
