"""Records the drivers that are selected, each in the commit of its binding."""

from __future__ import annotations

from nova.core.writer.additions import NOTHING, Additions
from nova.core.writer.commit import Commit
from nova.core.writer.new_events import StampedEvents


def record_selections(events: StampedEvents, _: Commit) -> Additions:
    if not events.selections:
        return NOTHING
    return Additions(selections={one.key: one.driver for one in events.selections})
