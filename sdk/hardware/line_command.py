"""Commands that are lines: what is sent, and which answers confirm or refuse it."""

from __future__ import annotations

import re

import msgspec

from sdk.envelope import JsonObject
from sdk.errors import SettingsError
from sdk.hardware.confirmation import ConfirmSeconds
from sdk.hardware.device import CommandRefusedError


class LineCommandOptions(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A command in the configuration, where it is more than a line."""

    line: str
    confirm: str | None = None
    refuse: str | None = None
    within_s: ConfirmSeconds = 10.0


class LineCommand:
    """One command: its line, and the patterns of the lines that answer it."""

    def __init__(self, options: str | LineCommandOptions) -> None:
        if isinstance(options, str):
            options = LineCommandOptions(line=options)
        self.line = options.line
        self.within_s = options.within_s
        self._confirm, self._refuse = _pattern(options.confirm), _pattern(options.refuse)
        if self._refuse is not None and self._confirm is None:
            raise SettingsError("refuse needs confirm: without it nothing is waited for")

    @property
    def is_confirmed(self) -> bool:
        """Whether the device's lines tell how it ended."""
        return self._confirm is not None

    def judge(self, line: bytes) -> JsonObject | None:
        """The result, if this line is the answer: it, and the named groups of the pattern."""
        text = line.decode(errors="replace").rstrip("\r\n")
        if self._refuse is not None and self._refuse.search(text):
            raise CommandRefusedError(f"the device refused it: {text}")
        found = self._confirm.search(text) if self._confirm is not None else None
        return None if found is None else {"answer": text, **found.groupdict()}


def _pattern(text: str | None) -> re.Pattern[str] | None:
    try:
        return None if text is None else re.compile(text)
    except re.error as error:
        raise SettingsError(f"{text!r} is no regular expression: {error}") from None
