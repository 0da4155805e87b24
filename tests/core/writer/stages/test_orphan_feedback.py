"""Orphan feedback: progress and results of commands that are not known."""

from __future__ import annotations

from nova.core.store import catalog
from nova.core.writer.additions import Additions
from nova.core.writer.commit import Commit
from nova.core.writer.stages.orphan_feedback import count_orphans
from tests.core.telling import START_NS, telling
from tests.core.writer.staging import new_events, run, stamped

RECORDS = [
    telling(START_NS + n, lane=lane, scope=scope)
    for n, (lane, scope) in enumerate(
        [("command", "sat"), ("parsed", "sat"), ("command", "other"), ("command", "sat")]
    )
]


def test_feedback_without_its_command_is_counted(open_commit: Commit) -> None:
    """AMB-25: a command is known by its scope and commandId."""
    events = stamped(new_events(RECORDS), open_commit)
    assert run(count_orphans, events, open_commit).increments.unknown_commands == 3
    open_commit.add(Additions(keys=[catalog.command_key("sat", "c")]))
    assert run(count_orphans, events, open_commit).increments.unknown_commands == 1


def test_only_feedback_of_the_part_is_counted(open_commit: Commit) -> None:
    """Telemetry is none, and what is behind the part belongs to the next commit."""
    events = stamped(new_events(RECORDS), open_commit)
    assert run(count_orphans, events.part(0, 2), open_commit).increments.unknown_commands == 1
    telemetry = stamped(new_events([telling(START_NS)]), open_commit)
    assert run(count_orphans, telemetry, open_commit).increments.unknown_commands == 0
