"""The program `nova`, which explains itself also where the libraries of its commands are missing:
`nova-sdk` without the extra `cli` installs it as well.
"""

from __future__ import annotations

import sys

from nova.sdk.install_command import install_command

EXIT_STATUS = 2


def main() -> None:
    """Run `nova`; without click one line on stderr says what to install."""
    try:
        from nova.cli.main import nova
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.stderr.write(f"{_explanation()}\n")
        sys.exit(EXIT_STATUS)
    nova(prog_name="nova")


def _explanation() -> str:
    return (
        f"Error: the command nova needs the extra cli: {install_command('nova-sdk', 'cli')}; "
        f"with archive, edge and web page: {install_command('nova-truth')}"
    )
