"""`nova foxglove`: a gateway that shows NOVA in Foxglove and Lichtblick."""

from __future__ import annotations

import dataclasses

import click

from nova.console.archive_options import (
    ArchiveSource,
    filter_options,
    filters_from_options,
    with_archive_source,
)
from nova.sdk import timestamps
from nova.sdk.errors import SettingsError, TimestampError
from nova.sdk.protocol.messages import Timebase
from nova.sdk.reading.written_time import FORMS, written_time
from nova.sdk.web_origins import web_origins

DESKTOP = "file://"
"""The origin of pages that the desktop programs open from their own files."""

PORT = 8765
"""The port that Foxglove suggests."""


class WrittenTime(click.ParamType[int]):
    """A time in ns, written as over HTTP."""

    name = "time"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Nanoseconds since 1970."""
        if isinstance(value, int):
            return value
        try:
            return timestamps.parse(written_time(value, timestamps.now()))
        except TimestampError as error:
            self.fail(str(error), param, ctx)


@click.command("foxglove")
@click.option("--from", "start", type=WrittenTime(), help=f"Play from this time on: {FORMS}.")
@click.option("--to", "stop", type=WrittenTime(), help="Play up to this time [the newest event].")
@click.option(
    "--timebase",
    type=click.Choice(["source", "canonical"]),
    default="source",
    show_default=True,
    help="The times of messages: when it happened, or when NOVA received it.",
)
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=PORT, show_default=True, help="0: a free one."
)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="Pages that may connect beside those of this machine, e.g. https://app.foxglove.dev.",
)
@filter_options
@with_archive_source
async def foxglove(
    source: ArchiveSource,
    /,
    start: int | None,
    stop: int | None,
    timebase: Timebase,
    port: int,
    origins: tuple[str, ...],
    **narrow: str | None,
) -> None:
    """Show NOVA in Foxglove and Lichtblick on this machine, until Ctrl-C.

    Each series is a channel of JSON messages. Without --from it is the present; with it the range
    is played, paused, sought and reversed by the controls of the program. The gateway only reads,
    and whoever uses this machine may connect to it.

    \b
    Examples:
      nova foxglove --url http://127.0.0.1:8800        with NOVA_TOKEN
      nova foxglove --data ./nova-data --from now-1h
      nova foxglove --origin https://app.foxglove.dev --lanes parsed,ui
    """
    from nova.foxglove.gateway import Gateway, GatewayOptions, PlaybackRange
    from nova.sdk.lifecycle import stop_event

    if start is None and stop is not None:
        raise click.UsageError("--to needs --from: without it the present is shown")
    options = GatewayOptions(
        filters=filters_from_options(**narrow),
        log_timebase=timebase,
        played=None if start is None else PlaybackRange(start, stop),
        origins=_origins(origins),
    )
    gateway = Gateway(_with_password(source).connect, options)
    stopping = stop_event()
    async with gateway.serving(port) as found:
        shown = "the present" if start is None else "the past"
        click.echo(f"Open ws://127.0.0.1:{found} in Foxglove or Lichtblick: it shows {shown}.")
        await stopping.wait()


def _origins(written: tuple[str, ...]) -> tuple[str, ...]:
    """The origins of pages; raises click.BadParameter."""
    try:
        pages = web_origins(one for one in written if one != DESKTOP)
    except SettingsError as error:
        raise click.BadParameter(str(error), param_hint="--origin") from None
    return (*pages, *(one for one in written if one == DESKTOP))


def _with_password(source: ArchiveSource) -> ArchiveSource:
    """Ask for a password once, since every viewer logs in."""
    if source.user is None or source.token is not None or source.password:
        return source
    password = click.prompt("Password", hide_input=True, err=True)
    return dataclasses.replace(source, password=password)
