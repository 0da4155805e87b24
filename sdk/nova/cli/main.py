"""`nova`: the command group. Finds subcommands by entry points and prints errors as one line."""

from __future__ import annotations

import sys

import click

from nova.sdk import plugins
from nova.sdk.errors import NovaError

COMMAND_GROUP = "nova.commands"


class PluginGroup(click.Group):
    """A click group that imports a subcommand only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names that installed packages register."""
        return sorted(plugins.names(COMMAND_GROUP))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name; None if no package registers it."""
        if cmd_name not in plugins.names(COMMAND_GROUP):
            return None
        command = plugins.load(COMMAND_GROUP, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a subcommand. A NovaError becomes one line on stderr and exit status 1."""
        try:
            return super().invoke(ctx)
        except NovaError as error:
            click.secho(f"nova: {error}", fg="red", err=True)
            sys.exit(1)
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(1)


@click.group(cls=PluginGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nova-truth", prog_name="nova")
def nova() -> None:
    """Time-indexed truth for telemetry and commanding.

    \b
    Start here:
      nova demo                      a simulated satellite, in your browser
      nova up --data ./archive       your own archive
      nova produce FILE --to URL     feed a recording into it
      nova query --data ./archive    read it back, in order
    """
