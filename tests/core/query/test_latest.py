"""`latest`: the last event of each series; brute force is in test_range_cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import pytest

from nova.core.commit_feed import CommitFrame
from nova.core.errors import ArchiveDamagedError, RequestError
from nova.core.ordering import TIMEBASES, Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.latest import latest
from nova.core.query.range_cursor import Hit
from nova.core.query.visibility import Visibility
from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.sdk.protocol.messages import Filters
from nova.sdk.timestamps import NS_MAX
from nova.sdk.transport.base import Batch, Record
from tests.core.telling import START_NS, telling

Make = Callable[..., Record]
Commit = Callable[[Sequence[Record]], CommitFrame]


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
async def test_the_latest_of_one_command_is_not_hidden_by_another_command(
    timebase: Timebase, view: ArchiveSnapshot, commit: Commit
) -> None:
    """A-133: the last event that the filters name, also where others of its series came after."""
    commit([progress("one", 1), progress("one", 2), progress("two", 3)])
    view.refresh()
    for command, percent in (("one", 2), ("two", 3), ("none", None)):
        selection = EventFilter(Filters(command_id=command), view.series)
        found, _ = await latest(view, selection, timebase, NS_MAX)
        shown = [msgspec.json.decode(stored)["progressPercent"] for _, stored in found]
        assert shown == ([] if percent is None else [percent])


@pytest.mark.parametrize("timebase", TIMEBASES)
async def test_an_index_that_names_what_is_not_there_is_damage(
    timebase: Timebase,
    archive: Archive,
    committer: Committer,
    view: ArchiveSnapshot,
    record: Make,
) -> None:
    """Pitfalls row 5: an event that is gone is not answered by silence."""
    committer.add_batch("link", Batch([record(1)]))
    committed = committer.close_commit()
    assert committed.events is not None
    archive.families["canonical"].delete(committed.events[0][0])
    view.advance(committed.watermark)
    view.refresh()
    selection = EventFilter(Filters(), view.series)
    with pytest.raises(ArchiveDamagedError, match="does not contain"):
        await latest(view, selection, timebase, NS_MAX)


@pytest.mark.parametrize("limit", [1, 3, 12, 100])
async def test_pages_make_up_the_whole(
    view: ArchiveSnapshot, commit: Commit, record: Make, limit: int
) -> None:
    """Nothing repeated and nothing lost, whatever the size of a page."""
    units = [f"u{number * 7 % 12}" for number in range(12)]
    commit([record(n, lane=lane, unit=u) for n, u in enumerate(units) for lane in ("ui", "raw")])
    view.refresh()
    selection = EventFilter(Filters(), view.series)
    events: list[Hit] = []
    after: str | None = None
    while True:
        part, after = await latest(view, selection, "source", NS_MAX, limit=limit, after_key=after)
        assert len(part) <= limit and part == sorted(part)
        events += part
        if after is None:
            break
    whole, _ = await latest(view, selection, "source", NS_MAX)
    assert sorted(events) == whole and len(whole) == 24


async def test_a_key_of_something_else_is_refused(view: ArchiveSnapshot) -> None:
    """A page continues after the key of a page of the same kind."""
    selection = EventFilter(Filters(), view.series)
    with pytest.raises(RequestError, match="badKey"):
        await latest(view, selection, "source", NS_MAX, after_key="sat|bus|eps|u")


async def test_a_page_key_tells_nothing_about_hidden_series(
    view: ArchiveSnapshot, commit: Commit
) -> None:
    """It counts the wanted series, and the pages have each of them once."""
    commit([telling(START_NS, unit=f"hidden-{number}") for number in range(7)])
    commit([telling(START_NS, unit=f"u-{number}", scope="seen") for number in range(5)])
    view.refresh()
    wanted = EventFilter(Filters(), view.series, Visibility(scopes=frozenset({"seen"})))
    found, keys, key = [], [], None
    while True:
        page = await latest(view, wanted, "canonical", NS_MAX, limit=2, after_key=key)
        found += [msgspec.json.decode(stored)["uniqueId"] for _, stored in page.events]
        if (key := page.next_key) is None:
            break
        keys.append(key)
    assert (sorted(found), keys) == ([f"u-{number}" for number in range(5)], ["2", "4"])
