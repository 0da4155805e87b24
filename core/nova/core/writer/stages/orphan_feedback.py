"""Counts orphan feedback: progress and results of commands that are not in the archive."""

from __future__ import annotations

from nova.core.store import catalog
from nova.core.writer.additions import NOTHING, Additions, Increments
from nova.core.writer.columns import command_id_of
from nova.core.writer.commit import Commit
from nova.core.writer.new_events import StampedEvents

COMMAND_REQUEST = "CommandRequest"


def count_orphans(events: StampedEvents, commit: Commit) -> Additions:
    columns = events.columns
    if not columns.sparse:
        return NOTHING
    keys = [
        catalog.command_key(names.scope_id, command_id_of(columns.bodies[number]))
        for number in set(columns.sparse).intersection(events.numbers)
        if (names := columns.names[columns.series[number]]).lane == "command"
        and names.message_type != COMMAND_REQUEST
    ]
    orphans = sum(not commit.has_key(key) for key in keys)
    return Additions(increments=Increments(unknown_commands=orphans)) if orphans else NOTHING
