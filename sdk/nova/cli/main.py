"""The command `nova`: a group that imports a subcommand only when it runs, and prints errors."""

from __future__ import annotations

import logging
import os
import sys
from importlib import import_module

import click

from nova.cli import command_table
from nova.sdk import plugins
from nova.sdk.errors import NovaError, SettingsError
from nova.sdk.utf8 import check_arguments, check_environment

COMMAND_GROUP = "nova.commands"
LOG_FILE_VARIABLE = "NOVA_LOG_FILE"
ARGUMENTS = "nova.cli.arguments"
"""Key of the command's arguments in the context's `meta`."""

log = logging.getLogger(__name__)


class CommandGroup(click.Group):
    """Shipped commands from the static table, those of other packages from entry points."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all installed commands."""
        return sorted({*command_table.installed(), *plugins.names(COMMAND_GROUP)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of one name, or None if nobody registers it. Raises UsageError that says what
        to install if it ships with a distribution that is not here.
        """
        entry = command_table.installed().get(cmd_name)
        if entry is None and cmd_name not in plugins.names(COMMAND_GROUP):
            if cmd_name in command_table.COMMANDS:
                raise _missing(cmd_name, "the distribution nova-truth")
            return None
        command = _load(cmd_name, entry) if entry else plugins.load(COMMAND_GROUP, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing the shipped ones."""
        shipped = command_table.installed()
        rows = []
        for name in self.list_commands(ctx):
            if name in shipped:
                rows.append((name, shipped[name].summary))
            elif (command := self.get_command(ctx, name)) is not None and not command.hidden:
                rows.append((name, command.get_short_help_str()))
        with formatter.section("Commands"):
            formatter.write_dl(rows)
        if absent := sorted(command_table.COMMANDS.keys() - shipped.keys()):
            with formatter.section("Not installed"):
                hint = command_table.COMMANDS[absent[0]].install
                formatter.write_text(f"{', '.join(absent)}: part of nova-truth. {hint}")

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse what is not text before any command gets it, with one line and exit status 2."""
        try:
            check_arguments(args)
            check_environment(os.environ)
        except SettingsError as error:
            raise click.UsageError(str(error)) from None
        ctx.meta[ARGUMENTS] = list(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run a subcommand; a NovaError becomes one line on stderr and exit status 1."""
        try:
            if ctx.obj and LOG_FILE_VARIABLE in os.environ:  # It is the whole program.
                _collect_own_logs(ctx.meta[ARGUMENTS])
            return super().invoke(ctx)
        except NovaError as error:
            _say(error)
            sys.exit(1)
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(1)


def _collect_own_logs(arguments: list[str]) -> None:
    from nova.cli.own_logs import collect_own_logs  # Most commands need none of it.

    collect_own_logs(arguments)


def _load(name: str, entry: command_table.CommandEntry) -> object:
    module, attribute = entry.target.split(":")
    try:
        return getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise _missing(name, str(error.name)) from error


def _say(error: NovaError) -> None:
    """Print an error for people; a service logs it."""
    from nova.console.printing import plain_lines
    from nova.sdk import logs

    if logs.configured_process() is None or sys.stderr.isatty():
        click.secho(f"nova: {plain_lines(str(error))}", fg="red", err=True)
    else:
        log.critical("%s", error)


def _missing(name: str, needed: str) -> click.UsageError:
    install = command_table.COMMANDS[name].install
    return click.UsageError(f"nova {name} needs {needed}: {install}")


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nova-sdk", prog_name="nova")
def nova() -> None:
    """Time-indexed truth for telemetry and commanding.

    \b
    Start here:
      nova demo                      a simulated satellite, in your browser
      nova up --data ./archive       your own archive
      nova produce FILE --to URL     feed a recording into it
      nova query --data ./archive    read it back, in order
    """
