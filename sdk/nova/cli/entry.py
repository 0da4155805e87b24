"""The program `nova`, which explains itself also where the libraries of its commands are missing:
`nova-sdk` without the extra `cli` installs it as well.
"""

from __future__ import annotations

import os
import sys

from nova.sdk.install_command import install_command

EXIT_STATUS = 2

MAY_FORK = True
"""The click object of a command that is the whole program, and not called by another."""


def main() -> None:
    """Run `nova`; without click one line on stderr says what to install. A process that `nova` has
    forked runs its own command in place of that of its parent.
    """
    _open_standard_streams()
    try:
        from nova.cli.main import nova
        from nova.cli.standby_command import StandbyCommand
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.stderr.write(f"{_explanation()}\n")
        sys.exit(EXIT_STATUS)
    arguments: list[str] | None = None
    while True:
        try:
            nova(arguments, prog_name="nova", obj=MAY_FORK)
        except StandbyCommand as command:
            arguments = command.arguments


def _open_standard_streams() -> None:
    """Open those that whoever started this process closed. The next file or socket would get such a
    descriptor, and then what is printed.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)  # The lowest number that is free.
            os.set_inheritable(descriptor, True)
            setattr(sys, name, os.fdopen(descriptor, "r" if name == "stdin" else "w"))


def _explanation() -> str:
    return (
        f"Error: the command nova needs the extra cli: {install_command('nova-sdk', 'cli')}; "
        f"with archive, edge and web page: {install_command('nova-truth')}"
    )
