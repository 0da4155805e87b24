"""What there is at a time, beyond what brute force already says of it (test_reading)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import pytest

from core.errors import ArchiveDamagedError
from core.feed import Committed
from core.ordering import Timebase
from core.reader import discover
from core.reader.selection import Selection
from core.reader.view import View
from core.store.archive import Archive
from core.writer.commit import Committer
from sdk import timestamps
from sdk.protocol import Filters
from sdk.timestamps import NS_MAX
from sdk.transport.base import Batch, Record

Make = Callable[..., Record]
Commit = Callable[[Sequence[Record]], Committed]
TIMEBASES: tuple[Timebase, ...] = ("source", "canonical")


def progress(command: str, second: int) -> Record:
    """How far a command has come."""
    members = {
        "scopeId": "sat",
        "lane": "command",
        "systemId": "bus",
        "containerId": "eps",
        "uniqueId": "u",
        "sourceTruthTime": f"2026-01-01T00:00:{second:02d}Z",
        "messageType": "CommandProgress",
        "commandId": command,
        "targetId": "u",
        "commandType": "go",
        "progressPercent": second,
    }
    return Record(None, msgspec.json.encode(members))


@pytest.mark.parametrize("timebase", TIMEBASES)
def test_the_latest_of_one_command_is_not_hidden_by_another_command(
    timebase: Timebase, view: View, commit: Commit
) -> None:
    """A-133: the last event that the filters name, also where others of its series came after."""
    commit([progress("one", 1), progress("one", 2), progress("two", 3)])
    view.refresh()
    for command, percent in (("one", 2), ("two", 3), ("none", None)):
        selection = Selection(Filters(command_id=command), view.series)
        found = discover.latest(view, selection, timebase, NS_MAX)
        shown = [msgspec.json.decode(stored)["progressPercent"] for _, stored in found]
        assert shown == ([] if percent is None else [percent])


def test_first_and_last_time_of_a_series_are_those_up_to_the_asked_time(
    view: View, commit: Commit, record: Make
) -> None:
    """A-133: nothing of the future is told."""
    commit([record(3), record(1), record(2), record(9)])
    view.refresh()
    at_ns = timestamps.parse("2026-01-01T00:00:00.005Z")
    selection = Selection(Filters(), view.series)
    (entity,) = discover.discover(view, selection, "source", at_ns)
    (series,) = entity.series
    assert (entity.scope_id, entity.unique_id, series.lane) == ("sat", "u", "parsed")
    assert series.first_time == "2026-01-01T00:00:00.001000000Z"
    assert series.last_time == "2026-01-01T00:00:00.003000000Z"
    assert discover.discover(view, selection, "source", at_ns - 5_000_000) == []


@pytest.mark.parametrize("timebase", TIMEBASES)
def test_an_index_that_names_what_is_not_there_is_damage(
    timebase: Timebase,
    archive: Archive,
    committer: Committer,
    view: View,
    record: Make,
) -> None:
    """Pitfalls row 5: an event that is gone is not answered by silence."""
    committer.take("link", Batch([record(1)]))
    committed = committer.close()
    assert committed.events is not None
    archive.families["canonical"].delete(committed.events[0][0])
    view.advance(committed.mark)
    view.refresh()
    selection = Selection(Filters(), view.series)
    with pytest.raises(ArchiveDamagedError, match="not there"):
        discover.latest(view, selection, timebase, NS_MAX)
