"""Events that a commit deletes, by retention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nova.core.ordering import series_of_event_key
from nova.core.store.deleted_ids import deleted_rows
from nova.core.store.key_value import KeyValue
from nova.core.store.rollup import rollup_scope
from nova.core.writer.rollup_counts import RollupTotals, mixed_counts
from nova.sdk.events.event import Series


class RemovedEvents(NamedTuple):
    """Both keys of each event, the rows that keep their ids, and their counts, negative."""

    event_keys: Sequence[bytes]
    source_keys: Sequence[bytes]
    id_rows: Sequence[KeyValue]
    rollups: RollupTotals


def removed_events(
    event_keys: Sequence[bytes],
    source_keys: Sequence[bytes],
    names: Sequence[Series],
    level: int,
) -> RemovedEvents:
    """Events in the order of receipt, with the names of all series by number; `level` is that of
    the slots for their ids.
    """
    scopes = [rollup_scope(names[series_of_event_key(key)]) for key in event_keys]
    counts: RollupTotals = {
        name: {bucket: -count for bucket, count in buckets.items()}
        for name, buckets in mixed_counts(scopes, event_keys, source_keys).items()
    }
    id_rows = deleted_rows(source_keys, level, event_keys[0])
    return RemovedEvents(event_keys, source_keys, id_rows, counts)
