"""Selections: each in the commit of its binding."""

from __future__ import annotations

import msgspec

from nova.core.writer.commit import Commit
from nova.core.writer.new_events import Selection
from nova.core.writer.stages.driver_selections import record_selections
from tests.core.telling import START_NS, telling
from tests.core.writer.staging import new_events, run, stamped


def test_only_the_selections_of_the_part_are_recorded(open_commit: Commit) -> None:
    """Of two for one stream the last one counts."""
    selected = [Selection(2, b"a", "old"), Selection(2, b"a", "new"), Selection(0, b"b", "")]
    events = new_events([telling(START_NS + n) for n in range(3)], [0, 2, 1])
    stamps = stamped(msgspec.structs.replace(events, selections=selected), open_commit)
    assert run(record_selections, stamps, open_commit).selections == {b"a": "new", b"b": ""}
    assert run(record_selections, stamps.part(1, 3), open_commit).selections == {b"a": "new"}
    assert not run(record_selections, stamps.part(2, 3), open_commit).selections
