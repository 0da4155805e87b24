"""The static table of commands: complete, loadable, and printed without importing a command."""

from __future__ import annotations

import subprocess
import sys

import click
from click.testing import CliRunner

from nova.cli import command_table
from nova.cli.main import nova

LISTED_MAX_CHARS = 60
MODULES_MAX = 190
"""Of `nova --help`, with those of Python itself; it has about 170."""
LOOK = """
import sys
from nova.cli.main import nova
try:
    nova(["--help"])
except SystemExit:
    pass
names = ("nova.cli.produce", "nova.core", "nova.edge", "aiohttp", "rich", "asyncio", "rocksdict")
print([name for name in names if name in sys.modules])
print(len(sys.modules))
"""


def test_every_entry_is_a_command_of_that_name() -> None:
    context = click.Context(nova)
    for name, entry in command_table.COMMANDS.items():
        command = nova.get_command(context, name)
        assert command is not None and command.name == name
        assert len(entry.summary) <= LISTED_MAX_CHARS and entry.summary.endswith(".")


def test_help_imports_no_command() -> None:
    """What makes `nova --help` quick: neither commands nor what they need are imported."""
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    *_, heavy, modules = done.stdout.splitlines()
    assert heavy == "[]"
    assert int(modules) <= MODULES_MAX
    for entry in command_table.COMMANDS.values():
        assert entry.summary in done.stdout


def test_a_command_whose_package_is_missing_is_not_listed() -> None:
    defined_there = command_table.CommandEntry("nova.not_installed.cli:x", "Nothing.")
    started_there = command_table.CommandEntry(
        "nova.cli.up:up", "Nothing.", starts=("nova.not_installed",)
    )
    before = dict(command_table.COMMANDS)
    command_table.COMMANDS.update(one=defined_there, other=started_there)
    try:
        assert not {"one", "other"} & command_table.installed().keys()
        assert not {"one", "other"} & set(nova.list_commands(click.Context(nova)))
        result = CliRunner().invoke(nova, ["other", "--help"])
        assert result.exit_code == 2 and "nova other needs the distribution" in result.output
        assert "one, other: part of nova-truth." in CliRunner().invoke(nova, ["--help"]).output
    finally:
        command_table.COMMANDS.clear()
        command_table.COMMANDS.update(before)
