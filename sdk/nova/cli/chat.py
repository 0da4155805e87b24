"""`nova chat`: sends a chat message to everybody who watches a scope."""

from __future__ import annotations

import click

from nova.console.archive_options import ArchiveSource, with_archive_source
from nova.console.printing import print_json
from nova.sdk.protocol.submission import SubmitChat


@click.command()
@click.argument("content")
@click.option("--scope", required=True, metavar="ID", help="Scope of the message.")
@click.option("--json", "as_json", is_flag=True, help="Print the reply as one JSON object.")
@with_archive_source
async def chat(source: ArchiveSource, /, content: str, scope: str, as_json: bool) -> None:
    """Send CONTENT to everybody who watches a scope.

    It is shown live and in replays, and recorded under the name of the logged-in user, or of the
    user on this machine.

    \b
    Examples:
      nova chat "the heater is on for the pass" --scope sat
    """
    message = SubmitChat(scope_id=scope, content=content, timeline_mode="LIVE")
    async with await source.connect() as client:
        ack = await client.submit_chat(message)
    if as_json:
        print_json(ack)
    else:
        click.echo(f"{ack.time}  said")
