"""Counts orphan feedback: progress and results of commands that are not in the archive."""

from __future__ import annotations

from nova.core.store import catalog
from nova.core.writer.additions import NOTHING, Additions, Increments
from nova.core.writer.columns import command_id_of
from nova.core.writer.commit import Commit
from nova.core.writer.new_events import StampedEvents, chosen

COMMAND_REQUEST = "CommandRequest"


def count_orphans(events: StampedEvents, commit: Commit) -> Additions:
    columns = events.columns
    scopes = {
        index: names.scope_id
        for index, names in enumerate(columns.names)
        if names.lane == "command" and names.message_type != COMMAND_REQUEST
    }
    if not scopes:
        return NOTHING
    series, bodies = columns.series, columns.bodies
    feedback = [
        number
        for number, index in zip(events.numbers, chosen(series, events.numbers), strict=True)
        if index in scopes
    ]
    keys = [
        catalog.command_key(scopes[series[number]], command_id_of(bodies[number]))
        for number in feedback
    ]
    orphans = sum(not commit.has_key(key) for key in keys)
    return Additions(increments=Increments(unknown_commands=orphans)) if orphans else NOTHING
