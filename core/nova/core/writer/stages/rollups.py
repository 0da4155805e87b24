"""Counts events for the rollups, in the commit that stores them."""

from __future__ import annotations

from nova.core.store.rollup import rollup_scope
from nova.core.writer.additions import Additions
from nova.core.writer.commit import Commit
from nova.core.writer.new_events import StampedEvents
from nova.core.writer.rollup_counts import mixed_counts, scope_counts


def count_rollups(events: StampedEvents, _: Commit) -> Additions:
    names, keys = events.columns.names, (events.event_keys, events.source_keys)
    scopes = list(map(rollup_scope, names))
    if len(set(scopes)) == 1:
        return Additions(rollups=scope_counts(scopes[0], *keys))
    of_each = [scopes[events.columns.series[number]] for number in events.numbers]
    return Additions(rollups=mixed_counts(of_each, *keys))
