"""From events that have arrived to the records that a definition makes of them.

Live and over history this is the same: each event makes the same record, in whichever groups the
events come.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np

from nova.core.definitions.definition import Definition
from nova.core.derivation.definition_inputs import DefinitionInputs
from nova.core.derivation.formula_messages import Evaluated, InputCells
from nova.core.derivation.formula_process import input_cells
from nova.core.derivation.input_slot import InputSlot
from nova.core.derivation.output_records import OutputRecords
from nova.core.query.field_values import FieldValuesPart
from nova.core.store.column_codec import Integers
from nova.sdk.transport.base import Record

EVALUATED_ROWS = 16_384


class DerivedRecords(NamedTuple):
    """What some events made: records, how many rows of a formula failed and why one did, and how
    long its slowest evaluation took.
    """

    records: list[Record]
    events: int = 0
    failures: int = 0
    reason: str = ""
    slowest_s: float = 0.0


class Evaluator(Protocol):
    """What evaluates a formula for rows; raises FormulaError."""

    async def evaluate(
        self, definition: Definition, inputs: Mapping[str, InputCells], rows: int
    ) -> Evaluated: ...


class Derivation:
    """One definition at work on one archive."""

    def __init__(self, inputs: DefinitionInputs, process: Evaluator) -> None:
        self.inputs = inputs
        self._process = process
        self._outputs = OutputRecords(inputs.definition)

    @property
    def definition(self) -> Definition:
        return self.inputs.definition

    async def derive(
        self, parts: Mapping[InputSlot, FieldValuesPart], until_ns: int
    ) -> DerivedRecords:
        """What the rows of all events that arrived since, up to a canonical time, make. Raises
        FormulaError.
        """
        times, arrivals = self.inputs.insert(parts, until_ns)
        done = DerivedRecords([])
        for start in range(0, len(times), EVALUATED_ROWS):
            some = slice(start, start + EVALUATED_ROWS)
            part = await self._derive(times[some], arrivals[some])
            failures = done.failures + part.failures
            reason = done.reason or part.reason
            slowest_s = max(done.slowest_s, part.slowest_s)
            records = done.records + part.records
            done = DerivedRecords(records, len(times), failures, reason, slowest_s)
        self.inputs.trim()
        return done

    async def _derive(self, times: Integers, arrivals: Integers) -> DerivedRecords:
        columns = self.inputs.columns(times, arrivals)
        chosen = np.logical_and.reduce([column.has_value for column in columns.values()])
        rows = int(chosen.sum())
        if not rows:
            return DerivedRecords([])
        texts = {name: self.inputs.texts[slot].texts for name, slot in self.inputs.slots.items()}
        cells = input_cells(self.definition, columns, texts, chosen)
        found = await self._process.evaluate(self.definition, cells, rows)
        times, values = times[chosen], [value for value in found.values if value is not None]
        if len(values) < rows:
            times = times[[value is not None for value in found.values]]
        records = self._outputs.records(times, values)
        return DerivedRecords(records, rows, found.failures, found.reason, found.took_s)
