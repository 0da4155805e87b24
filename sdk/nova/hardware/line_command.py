"""Line commands: the line to send, and the patterns of answers that confirm or refuse it."""

from __future__ import annotations

import re

import msgspec

from nova.hardware.confirmation import ConfirmSeconds
from nova.hardware.device import CommandRefusedError
from nova.sdk.errors import SettingsError
from nova.sdk.field_types import JsonObject


class LineCommandOptions(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The options of a command that is more than a line."""

    line: str
    confirm: str | None = None
    refuse: str | None = None
    within_s: ConfirmSeconds = 10.0


class LineCommand:
    """One command: its line, and the patterns of its answers."""

    def __init__(self, options: str | LineCommandOptions) -> None:
        if isinstance(options, str):
            options = LineCommandOptions(line=options)
        self.line = options.line
        self.within_s = options.within_s
        self._confirm, self._refuse = _pattern(options.confirm), _pattern(options.refuse)
        if self._refuse is not None and self._confirm is None:
            raise SettingsError("`refuse` requires `confirm`: without it no answer is awaited")

    @property
    def is_confirmed(self) -> bool:
        """Whether the device answers this command."""
        return self._confirm is not None

    def interpret(self, line: bytes) -> JsonObject | None:
        """The result if this line is the answer: the line and the pattern's named groups."""
        text = line.decode(errors="replace").rstrip("\r\n")
        if self._refuse is not None and self._refuse.search(text):
            raise CommandRefusedError(f"refused by the device: {text}")
        found = self._confirm.search(text) if self._confirm is not None else None
        return None if found is None else {"answer": text, **found.groupdict()}


def _pattern(text: str | None) -> re.Pattern[str] | None:
    try:
        return None if text is None else re.compile(text)
    except re.error as error:
        raise SettingsError(f"{text!r} is not a regular expression: {error}") from None
