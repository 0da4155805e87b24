"""The series of a chunk of events: what concerns few series is asked for each series, not for each
event.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nova.core.ordering import EVENT_KEY_BYTES, TIME_BYTES
from nova.core.query.range_cursor import Hit


class ChunkSeries:
    """Events in canonical order, with the numbers of their series."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        self._hits = hits
        self._tails = [key[TIME_BYTES:EVENT_KEY_BYTES] for key, _ in hits]
        self._numbers = {tail: int.from_bytes(tail, "big") for tail in set(self._tails)}

    @property
    def numbers(self) -> set[int]:
        return set(self._numbers.values())

    def chosen(self, is_wanted: Callable[[int], bool]) -> list[Hit]:
        """The events of the series that are wanted, in order."""
        wanted = {tail for tail, number in self._numbers.items() if is_wanted(number)}
        if not wanted:
            return []
        tails = zip(self._hits, self._tails, strict=True)
        return [hit for hit, tail in tails if tail in wanted]
