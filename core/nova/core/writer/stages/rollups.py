"""Counts events for the rollups, in the commit that stores them."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from nova.core.store.rollup import rollup_scope
from nova.core.writer.additions import Additions
from nova.core.writer.commit import Commit
from nova.core.writer.new_events import StampedEvents
from nova.core.writer.rollup_counts import mixed_counts, scope_counts
from nova.sdk.events.event import Series
from nova.sdk.events.reserved import AUDIT_SYSTEM

_SCOPE_AND_SYSTEM = itemgetter(
    Series._fields.index("scope_id"),
    Series._fields.index("system_id"),
)


def count_rollups(events: StampedEvents, _: Commit) -> Additions:
    names, keys = events.columns.names, (events.event_keys, events.source_keys)
    if (scope := _common_scope(names)) is not None:
        return Additions(rollups=scope_counts(scope, *keys))
    scopes = list(map(rollup_scope, names))
    of_each = [scopes[events.columns.series[number]] for number in events.numbers]
    return Additions(rollups=mixed_counts(of_each, *keys))


def _common_scope(names: Sequence[Series]) -> str | None:
    """The scope in whose rows the events of all these series are counted, if it is one. A batch has
    hundreds of series of a few systems.
    """
    systems = set(map(_SCOPE_AND_SYSTEM, names))
    scopes = {scope for scope, _ in systems}
    has_own = any(system == AUDIT_SYSTEM for _, system in systems)
    return None if has_own or len(scopes) > 1 else scopes.pop()
