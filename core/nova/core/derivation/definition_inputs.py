"""The inputs of one definition: their rows, which events make outputs, and the inputs' values for
them.

An event of a triggering field makes one output, at its source time. It is computed from the values
at and before that time which were received by then: so it does not depend on what arrives later.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nova.core.definitions.definition import Definition
from nova.core.derivation.event_rows import EventRows
from nova.core.derivation.input_columns import InputColumn, input_column, span_ns
from nova.core.derivation.input_slot import InputSlot, TextNumbers
from nova.core.derivation.known_rows import KEPT_ROWS, KnownRows
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.field_values import FieldValuesPart
from nova.core.store.column_codec import Integers
from nova.sdk.events.event import Series
from nova.sdk.timestamps import NS_MAX


class DefinitionInputs:
    """The inputs of a definition in one archive. `floor_ns`: where the rows that are inserted begin
    to be complete. At least `kept_rows` of each are kept in memory.
    """

    def __init__(
        self,
        definition: Definition,
        snapshot: ArchiveSnapshot,
        floor_ns: int = NS_MAX + 1,
        kept_rows: int = KEPT_ROWS,
    ) -> None:
        self.definition = definition
        specs = definition.inputs
        self.slots = {name: InputSlot.of(spec) for name, spec in specs.items()}
        self.texts = {slot: TextNumbers() for slot in self.slots.values()}
        self.readers = {
            slot: EventRows(snapshot, slot, texts) for slot, texts in self.texts.items()
        }
        self._rows = {
            slot: KnownRows(reader.before, floor_ns) for slot, reader in self.readers.items()
        }
        self._triggering = {self.slots[name] for name in definition.triggering}
        spans = [span_ns(spec) or 0 for spec in specs.values()]
        self._kept_ns = max(spans, default=0)
        self._kept_rows = max(kept_rows, *(2 * (spec.samples or 0) for spec in specs.values()))

    @property
    def series(self) -> frozenset[Series]:
        return frozenset(slot.series for slot in self.texts)

    @property
    def texts_count(self) -> int:
        """How many different texts of the inputs are held."""
        return sum(len(one.texts) for one in self.texts.values())

    def insert(
        self, parts: Mapping[InputSlot, FieldValuesPart], until_ns: int
    ) -> tuple[Integers, Integers]:
        """Add all rows that arrived up to a canonical time; returns the source and canonical times
        of the events among them that make outputs, in source order.
        """
        for slot, reader in self.readers.items():
            reader.until_ns = until_ns
            if slot in parts:
                self._rows[slot].insert(parts[slot])
        found = [part for slot, part in parts.items() if slot in self._triggering]
        times = np.concatenate([np.zeros(0, np.int64), *(part.times for part in found)])
        arrivals = np.concatenate([np.zeros(0, np.int64), *(part.arrivals for part in found)])
        arrivals, first = np.unique(arrivals, return_index=True)  # Each event once.
        order = np.lexsort((arrivals, times[first]))
        return times[first][order], arrivals[order]

    def columns(self, times: Integers, arrivals: Integers) -> dict[str, InputColumn]:
        """The values of the inputs for events with these source and canonical times."""
        return {
            name: input_column(self._rows[self.slots[name]], spec, times, arrivals)
            for name, spec in self.definition.inputs.items()
        }

    def trim(self) -> None:
        """Forget rows that later events rarely need."""
        for rows in self._rows.values():
            rows.trim(self._kept_ns, self._kept_rows)
