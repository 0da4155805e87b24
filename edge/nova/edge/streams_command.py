"""`nova streams`: manages the TCP streams of an archive, in its data folder or at an edge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import click
import msgspec
from msgspec import structs

from nova.console.archive_options import (
    ArchiveSource,
    filter_options,
    filters_from_options,
    with_archive_source,
)
from nova.console.printing import print_json
from nova.edge.stream_table import StreamLine, print_streams
from nova.edge.streams_access import StreamsAccess, open_streams
from nova.sdk.address import is_id
from nova.sdk.errors import ProtocolError
from nova.sdk.pattern_words import in_words
from nova.sdk.protocol.message import Filters, Timebase
from nova.sdk.protocol.tcp_streams import (
    Backpressure,
    Framing,
    TcpStreamDefinition,
    TcpStreamFormat,
)

BAD_NAME = "{!r} is not a name for a stream: use 1 to 64 letters, digits, - and _"
LEFT_OUT = (
    "{} more streams are not listed, the list is too large: `nova streams list --data DIR` on the "
    "machine with the archive shows all"
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
name_argument = click.argument("name")


def definition_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a definition but for its name and port; None if they are not given."""
    for option in (
        click.option("--public/--private", "public", default=None, help="Who sees it [private]."),
        click.option(
            "--backpressure",
            type=click.Choice(get_args(Backpressure)),
            help="A client that is too slow misses messages, or is disconnected [catchUp].",
        ),
        click.option(
            "--timebase", type=click.Choice(get_args(Timebase)), help="Times in the messages."
        ),
        click.option(
            "--framing",
            type=click.Choice(get_args(Framing)),
            help="How payloads are framed; only of payloadOnly [none].",
        ),
        click.option(
            "--with-address/--without-address",
            "with_address",
            default=None,
            help="Add scope, lane and message type; only of hierarchyPerMessage.",
        ),
        click.option(
            "--format",
            "format_",
            type=click.Choice(get_args(TcpStreamFormat)),
            help="JSON lines with ids and time, or bare payloads [hierarchyPerMessage].",
        ),
        click.option("--bind", metavar="ADDRESS", help="Address to listen on [127.0.0.1]."),
    ):
        command = option(command)
    return filter_options(command)


@click.group()
def streams() -> None:
    """TCP streams: events for programs that read a plain socket, such as nc, Yamcs or COSMOS.

    A stream listens on a port and sends what its filters select, live, or following the timeline
    of a browser that is tied to it on the page. It never writes. With --data, changes are made in
    the archive's folder, and a running edge applies them within a second; with --url they are made
    by the edge, with your role.

    \b
    nova streams add live --port 7001
    nova streams add downlink --port 7002 --lanes raw --system radio --container rx --unique a \\
      --format payloadOnly --framing length4
    nc 127.0.0.1 7001
    """


@streams.command("list")
@json_option
@with_archive_source
async def list_streams(source: ArchiveSource, /, as_json: bool) -> None:
    """List the streams. Who is connected and what was sent is known with --url only.

    \b
    nova streams list
    nova streams list --url http://127.0.0.1:8800 --user ann --json
    """
    async with open_streams(source) as access:
        listed = await access.list_streams()
        found = [StreamLine.of(one, knows_state=access.knows_state) for one in listed.streams]
        if listed.streams_left_out:
            click.echo(LEFT_OUT.format(listed.streams_left_out), err=True)
        if as_json:
            for line in found:
                print_json(line)
            return
        print_streams(found)
        if listed.server is not None or not listed.served_here:
            click.echo(f"served by {listed.server or 'no edge at the moment'}", err=True)


@streams.command()
@name_argument
@click.option("--port", type=click.IntRange(1, 65_535), required=True, help="Port to listen on.")
@definition_options
@click.option("--stopped", is_flag=True, help="Add it without starting it.")
@json_option
@with_archive_source
async def add(
    source: ArchiveSource, /, name: str, port: int, stopped: bool, as_json: bool, **given: Any
) -> None:
    """Add the stream NAME, and start it.

    Without filters it sends all lanes. payloadOnly sends payloads without their ids, so it needs
    --system, --container and --unique (and one of --scopes in a ground archive).

    \b
    nova streams add live --port 7001 --lanes ui,parsed --with-address
    nova streams add packets --port 7002 --lanes raw --system radio --container rx --unique a \\
      --format payloadOnly
    """
    blank = TcpStreamDefinition(name=name, port=port)
    async with open_streams(source) as access:
        await access.create(_changed(blank, given), enabled=not stopped)
        await _report(access, name, "added", as_json)


@streams.command()
@name_argument
@click.option("--name", "new_name", metavar="NEW", help="Rename it.")
@click.option("--port", type=click.IntRange(1, 65_535), help="Port to listen on.")
@definition_options
@json_option
@with_archive_source
async def edit(
    source: ArchiveSource,
    /,
    name: str,
    new_name: str | None,
    port: int | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Change what is given of the stream NAME. Its clients are disconnected.

    A filter that is given as an empty text is removed.

    \b
    nova streams edit live --lanes ui --system ""
    """
    async with open_streams(source) as access:
        stream = await access.find(name)
        named = {"name": new_name, "port": port}
        before = structs.replace(
            stream.definition, **{key: value for key, value in named.items() if value is not None}
        )
        await access.edit(stream, _changed(before, given))
        await _report(access, new_name or name, "changed", as_json)


@streams.command()
@name_argument
@json_option
@with_archive_source
async def start(source: ArchiveSource, /, name: str, as_json: bool) -> None:
    """Let the stream NAME listen, now and after every restart."""
    async with open_streams(source) as access:
        await access.start(await access.find(name))
        await _report(access, name, "started", as_json)


@streams.command()
@name_argument
@json_option
@with_archive_source
async def stop(source: ArchiveSource, /, name: str, as_json: bool) -> None:
    """Disconnect the clients of the stream NAME; it listens no longer, also after a restart."""
    async with open_streams(source) as access:
        await access.stop(await access.find(name))
        await _report(access, name, "stopped", as_json)


@streams.command()
@name_argument
@with_archive_source
async def rm(source: ArchiveSource, /, name: str) -> None:
    """Delete the stream NAME."""
    async with open_streams(source) as access:
        await access.delete(name)
    click.echo(f"{name} is deleted", err=True)


async def _report(access: StreamsAccess, name: str, done: str, as_json: bool) -> None:
    """Say what was done, and where the stream is now."""
    stream = await access.find(name)
    line = StreamLine.of(stream, knows_state=access.knows_state)
    if as_json:
        print_json(line)
        return
    place = f"{line.bind}:{line.port}"
    click.echo(f"{name} ({place}) was {done}: {access.outlook(line)}", err=True)


def _changed(before: TcpStreamDefinition, given: dict[str, Any]) -> TcpStreamDefinition:
    """A definition with the members that the options give."""
    if not is_id(before.name):
        raise ProtocolError("badRequest", BAD_NAME.format(before.name))
    named = {
        "bind": given["bind"],
        "format": given["format_"],
        "with_address": given["with_address"],
        "framing": given["framing"],
        "timebase": given["timebase"],
        "backpressure": given["backpressure"],
        "visibility": {True: "public", False: "private"}.get(given["public"]),
        "filters": _filters(before.filters, given),
    }
    members = {key: value for key, value in named.items() if value is not None}
    # Converted, so that the bounds of ids and ports are checked here as they are by an edge.
    wanted = msgspec.to_builtins(structs.replace(before, **members))
    try:
        return msgspec.convert(wanted, TcpStreamDefinition)
    except msgspec.ValidationError as error:
        raise ProtocolError("badRequest", in_words(str(error))) from None


def _filters(before: Filters, given: dict[str, Any]) -> Filters:
    wanted = filters_from_options(
        given["lanes"],
        given["scopes"],
        given["system"],
        given["container"],
        given["unique"],
        given["types"],
        given["view"],
        given["command_id"],
    )
    members = {
        name: getattr(wanted, name) or None
        for name in wanted.__struct_fields__
        if getattr(wanted, name) is not None
    }
    return structs.replace(before, **members)
