"""`nova` and all its commands: help reaches a terminal as it was written."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

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


NOT_UTF8 = b"x\xff"


@pytest.mark.parametrize(
    ("arguments", "number"),
    [
        ([b"chat", NOT_UTF8, b"--scope", b"s"], 2),
        ([b"command", b"heater", NOT_UTF8, b"--scope", b"s"], 3),
        ([b"command", b"heater", b"set", b"a=" + NOT_UTF8, b"--scope", b"s"], 4),
        ([b"export", b"--driver", NOT_UTF8], 3),
        ([b"users", b"reset-password", NOT_UTF8], 3),
        ([b"query", b"--user=" + NOT_UTF8, b"--url", b"http://127.0.0.1:1"], 2),
        ([NOT_UTF8], 1),
    ],
)
def test_an_argument_that_is_not_text_is_named(
    tmp_path: Path, arguments: list[bytes], number: int
) -> None:
    """One line, whichever command it is for."""
    done = subprocess.run(
        [sys.executable.encode(), b"-m", b"nova.cli", *arguments],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=False,
    )
    said = done.stderr.decode()
    assert done.returncode == 2 and said.count("\n") == 1, said
    assert said.startswith(f"Error: argument {number} is not UTF-8 text: ")


def test_a_variable_that_is_not_text_is_named_without_its_value(tmp_path: Path) -> None:
    """It may be a password."""
    done = subprocess.run(
        [sys.executable, "-m", "nova.cli", "up", "--data", str(tmp_path / "data"), "--ground"],
        env={**os.environb, b"NOVA_ADMIN_PASSWORD": b"hush" + NOT_UTF8},
        capture_output=True,
        timeout=60,
        check=False,
    )
    said = done.stderr.decode()
    assert done.returncode == 2 and said.count("\n") == 1, said
    assert "variable NOVA_ADMIN_PASSWORD is not UTF-8" in said and "hush" not in said
    assert not (tmp_path / "data").exists()


def test_a_file_may_have_any_name(tmp_path: Path) -> None:
    """As the file system lets it."""
    path = bytes(tmp_path / "e") + NOT_UTF8
    Path(os.fsdecode(path)).write_bytes(b"{}\n")
    done = CliRunner().invoke(nova, ["eventid", os.fsdecode(path)])
    assert "is not UTF-8" not in done.output and "'lane' is missing" in done.output


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
