"""Results of commands on stdout, warnings on stderr. Text of events shows what it is: control
characters never reach the terminal.
"""

from __future__ import annotations

import json

import click
import msgspec


def print_json(value: object, *, on_stderr: bool = False) -> None:
    """Print a JSON value as one line on stdout, or on stderr when events go to stdout."""
    click.echo(plain_json(msgspec.json.encode(value).decode()), err=on_stderr)


def plain_json(line: str) -> str:
    """A line of JSON, of the same value, with each character that is not printable as its
    escape.
    """
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)


def plain(text: str) -> str:
    """Text with each character that is not printable, such as ESC, as its escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def plain_lines(text: str) -> str:
    """`plain` text, except that the ends of lines stay."""
    return "\n".join(plain(line) for line in text.split("\n"))


def warn(text: str) -> None:
    """Print a warning on stderr."""
    click.secho(plain_lines(text), fg="yellow", err=True)
