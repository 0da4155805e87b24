"""`nova` and all its commands: what their help says reaches a terminal as it was written."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from nova.cli.main import nova


def commands(group: click.Group, *names: str) -> Iterator[tuple[str, ...]]:
    """The names of a group and of every command below it."""
    yield names
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)
        else:
            yield (*names, name)


@pytest.mark.parametrize("names", list(commands(nova)), ids=" ".join)
def test_help_holds_no_control_characters(names: tuple[str, ...]) -> None:
    """A click mark in the wrong place is printed as a backspace."""
    result = CliRunner().invoke(nova, [*names, "--help"])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Usage: nova")
    found = {c for c in result.output if unicodedata.category(c).startswith("C") and c != "\n"}
    assert found == set(), f"{found!r} in the help of nova {' '.join(names)}"


@pytest.mark.parametrize("names", list(commands(nova)), ids=" ".join)
def test_every_option_says_what_it_is_for(names: tuple[str, ...]) -> None:
    """A name and a default do not."""
    command: click.Command = nova
    for name in names:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    options = [one for one in command.params if isinstance(one, click.Option)]
    assert [one.opts for one in options if not one.hidden and not one.help] == []
