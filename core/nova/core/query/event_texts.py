"""The texts of an event, and whether one of them contains another text."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from nova.core.query.event_filter import EventFilter
from nova.core.query.visibility import Visibility
from nova.core.store.series_table import SeriesTable
from nova.sdk.events.envelope import STORED_HEADER
from nova.sdk.protocol.message import Filters

NOT_SEARCHED = (STORED_HEADER - {"messageType"}) | {"bytes"}
"""Members of an envelope whose texts are ids, times and bytes."""


DOTTED_I = "i\u0307"
"""What a capital I with a dot (İ) folds to; people who type it as i look for the letter alone."""


class TextMatch:
    """Whether an event has a text, upper and lower case alike."""

    def __init__(self, text: str) -> None:
        self._folded = folded(text)
        self._bytes = self._folded.encode() if self._folded.isascii() else None

    def matches(self, stored: bytes) -> bool:
        """Whether a stored envelope has it."""
        if self._is_ruled_out(stored):
            return False
        return any(self._folded in folded(text) for text in event_texts(stored))

    def _is_ruled_out(self, stored: bytes) -> bool:
        """Whether the bytes show that it does not, without parsing: texts of pure ASCII are in them
        as they are, unless something is escaped.
        """
        if not stored.isascii() or b"\\" in stored:
            return False
        return self._bytes is None or self._bytes not in stored.lower()


def folded(text: str) -> str:
    """A text in which upper and lower case are alike."""
    return text.casefold().replace(DOTTED_I, "i")


class TextFilter(EventFilter):
    """Filters of a request whose events also have to have a text."""

    def __init__(
        self, filters: Filters, table: SeriesTable, visibility: Visibility, text: str
    ) -> None:
        super().__init__(filters, table, visibility)
        self._match = TextMatch(text)

    @property
    def accepts_all(self) -> bool:
        return False

    def accepts(self, stored: bytes) -> bool:
        return self._match.matches(stored) and super().accepts(stored)


def event_texts(stored: bytes) -> Iterator[str]:
    """The messageType and all texts in the body of a stored envelope, at any depth."""
    event = msgspec.json.decode(stored, type=dict[str, object])
    left: list[object] = [value for name, value in event.items() if name not in NOT_SEARCHED]
    while left:
        value = left.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            left += value.values()
        elif isinstance(value, list):
            left += value
