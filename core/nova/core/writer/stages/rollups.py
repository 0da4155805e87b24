"""Counts events for the rollups, in the commit that stores them."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from nova.core.writer.additions import Additions
from nova.core.writer.commit import Commit
from nova.core.writer.new_events import StampedEvents
from nova.core.writer.rollup_counts import mixed_counts, scope_counts
from nova.sdk.events.event import Series

_scope_of: Callable[[Series], str] = attrgetter("scope_id")


def count_rollups(events: StampedEvents, _: Commit) -> Additions:
    names, keys = events.columns.names, (events.event_keys, events.source_keys)
    scopes = set(map(_scope_of, names))
    if len(scopes) == 1:
        return Additions(rollups=scope_counts(scopes.pop(), *keys))
    of_each = [names[events.columns.series[number]].scope_id for number in events.numbers]
    return Additions(rollups=mixed_counts(of_each, *keys))
