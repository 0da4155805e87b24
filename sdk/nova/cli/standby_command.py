"""The command of a forked process, which the program `nova` runs in place of that of its parent."""

from __future__ import annotations

from collections.abc import Sequence


class StandbyCommand(BaseException):
    """Unwinds the stack of a forked process, which then runs `nova` with these arguments."""

    def __init__(self, arguments: Sequence[str]) -> None:
        super().__init__()
        self.arguments = list(arguments)
