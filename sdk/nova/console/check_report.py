"""What a command that checks files prints: every fault, or that there are none, and its exit
status, which differs for faults and for folders without anything to check.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import click

from nova.console.printing import plain, plain_lines, print_json

FAULT_STATUS = 1
NOTHING_STATUS = 3
"""There is nothing to check. A wrong use of a command has 2."""


class CheckReport(NamedTuple):
    """What was found. `counts` say of what there is how much; `faults` are members of each fault,
    `file` and `fault` at least.
    """

    counts: Mapping[str, int]
    faults: Sequence[Mapping[str, str]]
    sound: str
    nothing: str = ""
    """Why there is nothing to check, and what to do; empty if there is something."""

    def finish(self, *, as_json: bool) -> None:
        """Print it, and exit if it is not sound: as one JSON object on stdout, or as text, of which
        faults go to stderr.
        """
        if as_json:
            nothing = {"nothing": self.nothing} if self.nothing else {}
            print_json({**self.counts, "faults": list(self.faults), **nothing})
        else:
            self._print_text()
        if self.faults:
            sys.exit(FAULT_STATUS)
        if self.nothing:
            sys.exit(NOTHING_STATUS)

    def _print_text(self) -> None:
        for one in self.faults:
            click.echo(plain(f"{one['file']}: {one['fault']}"), err=True)
        if self.nothing:
            click.echo(plain_lines(self.nothing), err=True)
        if not self.faults and not self.nothing:
            click.echo(self.sound)
