"""`nova proof`: proves that an event is in the seal of its day."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from nova.console.archive_options import TimeParameter
from nova.core.proof.event_proof import Prover
from nova.core.proof.steady_opening import MEMORY_BYTES
from nova.core.scratch import scratch_folder
from nova.core.store.secondary import open_secondary_archive
from nova.sdk import timestamps
from nova.sdk.errors import NovaError

EVENT_ID_CHARS = 64


@click.command()
@click.argument("event_id", metavar="EVENTID")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    envvar="NOVA_DATA",
    default=Path("./nova-data"),
    help="Data folder of a NOVA on this machine, running or not [./nova-data].",
)
@click.option(
    "--at",
    type=TimeParameter(),
    help="The event's sourceTruthTime; without it, every event is looked at.",
)
def proof(event_id: str, data: Path, at: str | None) -> None:
    """Print a proof that an event is in the seal of its day, as JSON.

    The proof holds the event, the hashes that lead from it to the seal, and the seal.
    A script of docs/proof.md checks it, without NOVA and without the archive.

    \b
    Example:
      nova proof 39405ccf…c9e2 --data /archive --at 2026-01-26T12:00:00Z > proof.json
    """
    try:
        wanted = bytes.fromhex(event_id)
    except ValueError:
        wanted = b""
    if len(event_id) != EVENT_ID_CHARS or not wanted:
        raise NovaError(f"{event_id[:80]!r} is no eventId, which has {EVENT_ID_CHARS} hex digits")
    with (
        scratch_folder("verify") as scratch,
        open_secondary_archive(data, scratch, MEMORY_BYTES) as archive,
    ):
        found = Prover(archive).prove(wanted, None if at is None else timestamps.parse(at))
    click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
