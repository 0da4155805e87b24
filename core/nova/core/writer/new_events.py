"""The events of a batch that a commit stores, before and after they are stamped."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple, TypeVar

import msgspec

from nova.core.writer.columns import BatchColumns
from nova.sdk.native import native_part

ValueT = TypeVar("ValueT")


def chosen(column: Sequence[ValueT], numbers: Sequence[int]) -> list[ValueT]:
    """The items of a column at these indexes."""
    if len(numbers) > 1:
        return list(itemgetter(*numbers)(column))
    return [column[number] for number in numbers]


def chosen_bytes(column: Sequence[bytes], numbers: Sequence[int]) -> Sequence[bytes]:
    """The same of a column of bytes, which stays one of the native part."""
    if (native := native_part()) and isinstance(column, native.BytesColumn):
        return column.chosen(numbers)
    return chosen(column, numbers)


class Selection(NamedTuple):
    """A driver that is selected for a stream, in the commit of the event of this number."""

    number: int
    key: bytes
    driver: str


class NewEvents(msgspec.Struct, frozen=True):
    """Events that the archive lacks; `numbers` are their indexes into the columns, in the order in
    which they are stored.

    `received` of them were in the batch, the others are the Core's own.
    """

    columns: BatchColumns
    numbers: Sequence[int]
    received: int
    selections: Sequence[Selection] = ()


class StampedEvents(msgspec.Struct, frozen=True):
    """New events with their canonical times: item i of `numbers`, of both keys and of the stored
    envelopes is one event.
    """

    columns: BatchColumns
    numbers: Sequence[int]
    event_keys: Sequence[bytes]
    source_keys: Sequence[bytes]
    stored: Sequence[bytes]
    selections: Sequence[Selection] = ()

    def part(self, start: int, end: int) -> StampedEvents:
        """The events from index `start` to before `end`."""
        if end - start == len(self.numbers):
            return self
        return StampedEvents(
            self.columns,
            self.numbers[start:end],
            self.event_keys[start:end],
            self.source_keys[start:end],
            self.stored[start:end],
            self._selections_of(self.numbers[start:end]) if self.selections else (),
        )

    def _selections_of(self, numbers: Sequence[int]) -> list[Selection]:
        chosen = set(numbers)
        return [selection for selection in self.selections if selection.number in chosen]
