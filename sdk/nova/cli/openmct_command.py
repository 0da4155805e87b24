"""`nova openmct`: Open MCT in a browser, over an edge."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from nova.sdk import lifecycle
from nova.sdk.errors import NovaError

PORT_MAX = 65_535


@click.command("openmct")
@click.option("--url", metavar="URL", envvar="NOVA_URL", help="URL of an edge.")
@click.option("--token", envvar="NOVA_TOKEN", help="API key [NOVA_TOKEN].")
@click.option(
    "--port",
    type=click.IntRange(0, PORT_MAX),
    default=8810,
    show_default=True,
    help="Port on loopback; 0: a free one.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder with Open MCT [~/.cache/nova/openmct].",
)
@click.option("--install", is_flag=True, help="Fetch Open MCT with npm into the folder first.")
@click.option("--exit-with-stdin", is_flag=True, help="Exit when stdin closes.")
def openmct(
    url: str | None,
    token: str | None,
    port: int,
    folder: Path | None,
    install: bool,
    exit_with_stdin: bool,
) -> None:
    """Serve Open MCT on this machine: the telemetry, limits and alarms of an edge.

    Whoever opens the page sees what the API key sees, and can only read. Make a key of the role
    viewer for it on the page Manage. With --install and no --url it only fetches Open MCT.

    \b
    export NOVA_TOKEN=nova_…
    nova openmct --install --url http://127.0.0.1:8800
    """
    from nova.openmct.openmct_package import default_folder, library
    from nova.openmct.openmct_package import install as install_with_npm

    into = default_folder() if folder is None else folder
    if install:
        install_with_npm(into)
    if url is None:
        if install:
            return
        raise NovaError("no edge: set NOVA_URL, or give --url")
    if not token:
        raise NovaError("no API key: set NOVA_TOKEN, or give --token")
    asyncio.run(_serve(url, token, library(into), port, exit_with_stdin))


async def _serve(url: str, token: str, library: Path, port: int, exit_with_stdin: bool) -> None:
    from nova.openmct.openmct_server import serving

    stop = lifecycle.stop_event(exit_with_stdin)
    async with serving(url, token, library, port) as address:
        click.echo(f"Open MCT: {address}")
        await stop.wait()
