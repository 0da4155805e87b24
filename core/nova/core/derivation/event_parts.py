"""The rows of a definition's inputs in events as they were committed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from nova.core.derivation.definition_inputs import DefinitionInputs
from nova.core.derivation.input_slot import InputSlot, slot_rows
from nova.core.ordering import series_of_event_key
from nova.core.query.event_key import event_times
from nova.core.query.field_columns import field_columns
from nova.core.query.field_values import FieldValuesPart
from nova.core.query.range_cursor import Hit
from nova.core.store.series_table import SeriesTable


def event_parts(
    inputs: DefinitionInputs, table: SeriesTable, hits: Sequence[Hit]
) -> dict[InputSlot, FieldValuesPart]:
    """The rows of each slot in events with their event keys, which are of the inputs' series."""
    by_series: defaultdict[int, list[Hit]] = defaultdict(list)
    for hit in hits:
        by_series[series_of_event_key(hit[0])].append(hit)
    parts: dict[InputSlot, FieldValuesPart] = {}
    for number, found in by_series.items():
        times, fields = field_columns([stored for _, stored in found])
        arrivals = event_times([key for key, _ in found])
        for slot, texts in inputs.texts.items():
            if slot.series == table.names[number]:
                parts[slot] = slot_rows(slot, fields, times, arrivals, texts)
    return parts
