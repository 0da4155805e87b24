"""`nova` commands in the test's own process: the same code, without a process.

For tests of what a command does. How the program starts, and what it makes of signals, pipes and
terminals, needs a process of its own: `nova.testkit.running_nova.nova_command`.
"""

from __future__ import annotations

from subprocess import CompletedProcess

from click.testing import CliRunner

from nova.cli.main import nova


def command_here(*arguments: str, stdin: bytes = b"") -> CompletedProcess[bytes]:
    """Run one `nova` command to its end; an exception that the command does not handle is raised.

    Not where an event loop runs.
    """
    done = CliRunner().invoke(nova, arguments, input=stdin, prog_name="nova")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return CompletedProcess(arguments, done.exit_code, done.stdout_bytes, done.stderr_bytes)
