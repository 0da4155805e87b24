"""`nova eventid`: computes event ids, to check producers in other languages."""

from __future__ import annotations

from typing import BinaryIO

import click

from nova.console.printing import print_json
from nova.recordings.bounded_lines import BoundedLine, bounded_lines
from nova.sdk.errors import EnvelopeError
from nova.sdk.events.event import ENVELOPE_MAX_BYTES, check

EPILOG = """\b
Examples:
  my-producer --dry-run | nova eventid
  nova eventid envelopes.jsonl --json

For each input line it prints one line: the eventId, or `error: CODE MEMBER: REASON`. Exit status 1
means that there was an error. Times, ids and payloads are checked by the Core's rules.
"""


@click.command(epilog=EPILOG)
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object per line.")
@click.pass_context
def eventid(ctx: click.Context, file: BinaryIO, as_json: bool) -> None:
    """Print the eventId of each envelope in FILE.

    FILE (default: stdin) contains one JSON envelope per line.
    """
    failed = False
    for line in bounded_lines(file, ENVELOPE_MAX_BYTES):
        try:
            computed = _event_id(line)
        except EnvelopeError as error:
            failed = True
            _print_error(line.number, error, as_json)
        else:
            _print_id(line.number, computed, as_json)
    if failed:
        ctx.exit(1)


def _event_id(line: BoundedLine) -> str:
    if line.data is None:
        raise EnvelopeError(
            "tooLarge",
            "",
            f"the envelope has {line.size_bytes} bytes; the limit is {ENVELOPE_MAX_BYTES}",
        )
    return check(line.data).event_id.hex()


def _print_id(number: int, computed: str, as_json: bool) -> None:
    if as_json:
        print_json({"line": number, "eventId": computed})
    else:
        click.echo(computed)


def _print_error(number: int, error: EnvelopeError, as_json: bool) -> None:
    if as_json:
        facts = {"code": error.code, "member": error.member, "reason": error.reason}
        print_json({"line": number, "error": facts})
    else:
        member = error.member or "-"
        click.echo(f"error: {error.code} {member}: {error.reason}".replace("\n", " "))
