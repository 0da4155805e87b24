"""One field of a series as an input: its values in the events of the series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from nova.core.definitions.definition import InputKind, InputSpec
from nova.core.query.field_columns import FieldValues
from nova.core.query.field_values import FieldValuesPart
from nova.core.store.column_codec import Integers, Numbers
from nova.core.store.sample_store import FieldColumn
from nova.sdk.events.event import Series

NO_ROWS = FieldValuesPart(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


class InputSlot(NamedTuple):
    """A field by its series and path, and what its values are read as. Inputs may share one."""

    series: Series
    field: str
    kind: InputKind

    @classmethod
    def of(cls, spec: InputSpec) -> InputSlot:
        return cls(spec.series, spec.field, spec.kind)

    @property
    def column(self) -> FieldColumn:
        return FieldColumn(self.field, self.kind == "text")


class TextNumbers:
    """Numbers for the texts of a field, so that all values are numbers."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The number of a text, a new one if it has none."""
        found = self._numbers.setdefault(text, len(self.texts))
        if found == len(self.texts):
            self.texts.append(text)
        return found


def slot_rows(
    slot: InputSlot,
    found: Mapping[FieldColumn, FieldValues],
    times: Integers,
    arrivals: Integers,
    texts: TextNumbers,
) -> FieldValuesPart:
    """The values of a slot in some events with these source and canonical times, in the order of
    the events.
    """
    values = found.get(slot.column)
    if values is None:
        return NO_ROWS
    column = values.column
    return FieldValuesPart(
        column.at(times), column.at(arrivals), slot_values(slot, column.values, values.texts, texts)
    )


def slot_values(
    slot: InputSlot,
    values: Numbers,
    known: list[str] | None,
    texts: TextNumbers,
) -> Numbers:
    """Stored values as those of a slot; `known` are the texts that they number."""
    if slot.kind == "boolean":
        return np.not_equal(values, 0.0).astype(np.float64)
    if known is None:
        return values
    numbers = np.array([texts.number(text) for text in known], np.float64)
    return numbers[values.astype(np.int64)]
