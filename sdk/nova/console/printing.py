"""Results of commands on stdout, warnings on stderr."""

from __future__ import annotations

import click
import msgspec


def print_json(value: object, *, on_stderr: bool = False) -> None:
    """Print a JSON value as one line on stdout, or on stderr when events go to stdout."""
    click.echo(msgspec.json.encode(value).decode(), err=on_stderr)


def warn(text: str) -> None:
    """Print a warning on stderr."""
    click.secho(text, fg="yellow", err=True)
