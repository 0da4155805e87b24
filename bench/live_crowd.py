"""`python -m bench.live_crowd DATA`: the processor time of a reader for each of many clients that
follow LIVE, without sockets.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import click

from bench.own import ReaderSide
from nova.sdk import lifecycle

CLIENTS = 500
COMMITS = 30
COMMIT_EVENTS = 40
"""At 2,000 events a second, fifty commits a second."""


@click.command()
@click.argument("data", type=click.Path(exists=True, path_type=Path))
def live_crowd(data: Path) -> None:
    """Measure a reader of the archive in DATA, which has ui events."""
    lifecycle.collect_garbage_rarely()
    with tempfile.TemporaryDirectory() as scratch, ReaderSide(data, Path(scratch)) as reader:
        took_us = asyncio.run(reader.live_us(CLIENTS, COMMITS, COMMIT_EVENTS))
    click.echo(f"{CLIENTS} clients: {took_us:.1f} us for each and a commit of {COMMIT_EVENTS}")


if __name__ == "__main__":
    live_crowd()
