"""`nova find TEXT --text`: prints the events that have a text, as stored or as a summary."""

from __future__ import annotations

import sys
from typing import cast

import click

from nova.cli.event_lines import write_event
from nova.console.archive_options import ArchiveSource
from nova.console.printing import warn
from nova.sdk.address import LANES
from nova.sdk.field_types import Lane
from nova.sdk.protocol.message import Filters, Timebase
from nova.sdk.protocol.text_messages import TEXT_LIMIT_MAX, TEXT_MAX_CHARS, FindText

TEXT_LANES = [lane for lane in LANES if lane != "raw"]


def text_request(text: str, options: dict[str, object]) -> FindText:
    """The message of the options; raises click.UsageError."""
    if not 0 < len(text) <= TEXT_MAX_CHARS:
        raise click.UsageError(f"TEXT: a text has 1 to {TEXT_MAX_CHARS} characters")
    for name, plain in (("samples", 1), ("seconds", 0.0)):
        if options[name] != plain:
            raise click.UsageError(f"--{name}: a text has no duration. Leave it out")
    named = {name: cast("str | None", value) or None for name, value in options.items()}
    lane, scope, kind = cast("Lane | None", named["lane"]), named["scope"], named["type"]
    return FindText(
        text=text,
        filters=Filters(
            scope_ids=None if scope is None else [scope],
            lanes=None if lane is None else [lane],
            system_id=named["system"],
            container_id=named["container"],
            unique_id=named["unique"],
            message_types=None if kind is None else [kind],
            view_id=named["view"],
        ),
        start_time=named["start"],
        stop_time=named["stop"],
        timebase=cast("Timebase | None", named["timebase"]),
        reverse=bool(options["reverse"]),
    )


async def find_text(
    source: ArchiveSource, request: FindText, limit: int | None, *, as_json: bool
) -> None:
    """Print the events of all replies, or the first ones."""
    left = limit if limit is not None else sys.maxsize
    count = 0
    async with await source.connect() as client:
        while True:
            request.limit = min(left, TEXT_LIMIT_MAX)
            page = await client.find_text(request)
            for event in page.events:
                write_event(bytes(event), as_json)
            count += len(page.events)
            left -= len(page.events)
            if page.next_key is None or not left:
                break
            request.after_key = page.next_key
    if not count:
        warn("Nothing found.")
