"""What there is at a time, beyond what brute force already says of it (test_reading)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import pytest

from core.errors import ArchiveDamagedError, QueryError
from core.feed import Committed
from core.ordering import TIMEBASES, Timebase
from core.reader import discover
from core.reader.reading import Found
from core.reader.selection import Selection
from core.reader.view import View
from core.store.archive import Archive
from core.writer.commit import Committer
from sdk import protocol, timestamps
from sdk.protocol import Filters
from sdk.timestamps import NS_MAX
from sdk.transport.base import Batch, Record

Make = Callable[..., Record]
Commit = Callable[[Sequence[Record]], Committed]


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
    timebase: Timebase, view: View, commit: Commit
) -> None:
    """A-133: the last event that the filters name, also where others of its series came after."""
    commit([progress("one", 1), progress("one", 2), progress("two", 3)])
    view.refresh()
    for command, percent in (("one", 2), ("two", 3), ("none", None)):
        selection = Selection(Filters(command_id=command), view.series)
        found, _ = await discover.latest(view, selection, timebase, NS_MAX)
        shown = [msgspec.json.decode(stored)["progressPercent"] for _, stored in found]
        assert shown == ([] if percent is None else [percent])


async def test_first_and_last_time_of_a_series_are_those_up_to_the_asked_time(
    view: View, commit: Commit, record: Make
) -> None:
    """A-133: nothing of the future is told."""
    commit([record(3), record(1), record(2), record(9)])
    view.refresh()
    at_ns = timestamps.parse("2026-01-01T00:00:00.005Z")
    selection = Selection(Filters(), view.series)
    ((entity,), _) = await discover.discover(view, selection, "source", at_ns)
    (series,) = entity.series
    assert (entity.scope_id, entity.unique_id, series.lane) == ("sat", "u", "parsed")
    assert series.first_time == "2026-01-01T00:00:00.001000000Z"
    assert series.last_time == "2026-01-01T00:00:00.003000000Z"
    nothing = await discover.discover(view, selection, "source", at_ns - 5_000_000)
    assert nothing == ([], None)


@pytest.mark.parametrize("timebase", TIMEBASES)
async def test_an_index_that_names_what_is_not_there_is_damage(
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
        await discover.latest(view, selection, timebase, NS_MAX)


@pytest.mark.parametrize("limit", [1, 3, 12, 100])
async def test_pages_make_up_the_whole(
    view: View, commit: Commit, record: Make, limit: int
) -> None:
    """Issue 5: nothing repeated and nothing lost, whatever the size of a page."""
    units = [f"u{number * 7 % 12}" for number in range(12)]
    commit([record(n, lane=lane, unit=u) for n, u in enumerate(units) for lane in ("ui", "raw")])
    view.refresh()
    selection = Selection(Filters(), view.series)
    events: list[Found] = []
    entities: list[str] = []
    after: str | None = None
    while True:
        part, after = await discover.latest(
            view, selection, "source", NS_MAX, limit=limit, after_key=after
        )
        assert len(part) <= limit and part == sorted(part)
        events += part
        if after is None:
            break
    while True:
        known, after = await discover.discover(
            view, selection, "source", NS_MAX, limit=limit, after_key=after
        )
        assert len(known) <= limit
        entities += [entity.unique_id for entity in known]
        if after is None:
            break
    whole, _ = await discover.latest(view, selection, "source", NS_MAX)
    assert sorted(events) == whole and len(whole) == 24
    assert entities == sorted(units)


async def test_a_key_of_something_else_is_refused(view: View) -> None:
    """A page goes on behind the key of a page of its kind."""
    selection = Selection(Filters(), view.series)
    with pytest.raises(QueryError, match="badKey"):
        await discover.latest(view, selection, "source", NS_MAX, after_key="sat|bus|eps|u")
    with pytest.raises(QueryError, match="badKey"):
        await discover.discover(view, selection, "source", NS_MAX, after_key="7")


async def test_work_for_many_entities_is_cut_into_slices(
    view: View, commit: Commit, record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-133: sockets are served between them, whatever is asked for; the answer is the same."""
    units = [f"u{n * 7 % 60:02d}" for n in range(60)]
    commit([record(n, unit=unit) for n, unit in enumerate(units)])
    monkeypatch.setattr(discover, "LOOKED_UP_TOGETHER", 7)
    monkeypatch.setattr(discover, "ENCODED_TOGETHER", 7)
    steps, most = 0, 0

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def step(*arguments: object) -> object:
            nonlocal steps
            steps += 1
            return real(*arguments)

        return step

    async def serve() -> None:
        nonlocal steps, most
        while True:
            most, steps = max(most, steps), 0
            await asyncio.sleep(0)

    for name in ("_told_info", "encode_entity"):
        monkeypatch.setattr(discover, name, counted(getattr(discover, name)))
    sockets = asyncio.create_task(serve())
    page = await discover.discover(view, Selection(Filters(), view.series), "source", NS_MAX)
    await discover.frame_of(7, "now", page, [])
    sockets.cancel()
    assert [entity.unique_id for entity in page.entities] == sorted(units)
    assert 0 < most <= 2 * 7
    for key in (None, "sat|bus|eps|u59"):
        frame = await discover.frame_of(7, "now", discover.Entities(page.entities, key), [])
        reply = protocol.DiscoverResponse(ref=7, time="now", entities=page.entities, next_key=key)
        assert protocol.decode_reply(frame) == reply
