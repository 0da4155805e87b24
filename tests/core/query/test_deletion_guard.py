"""A read whose events are deleted meanwhile ends with an error; others are not affected."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from nova.core.batch.range_reader import RangeReader
from nova.core.errors import RequestError
from nova.core.ordering import TIMEBASES
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.range_cursor import RangeCursor, Span
from nova.core.query.summary import summarize
from nova.core.store.archive import Archive
from nova.sdk import timestamps
from nova.sdk.batch.range_messages import RangeRequest
from nova.sdk.protocol.messages import Filters
from nova.sdk.protocol.timeline import Summary
from nova.sdk.timestamps import NS_MAX, NS_MIN
from tests.core.retaining import KEPT_NS, DeathError, Retaining

FAR_NS = KEPT_NS + 3 * 86_400 * 10**9
"""No deleted event is dated here."""


async def drained(cursor: RangeCursor) -> int:
    found = 0
    while not cursor.done:
        found += len(await cursor.next_slice(10))
    return found


@pytest.mark.parametrize("is_cut", [False, True])
async def test_a_read_that_is_overtaken_gets_an_error(tmp_path: Path, is_cut: bool) -> None:
    retaining = Retaining(tmp_path, 60)
    retaining.fill()
    retaining.sync()
    with closing(Archive.open_secondary(tmp_path, tmp_path / "scratch")) as secondary:
        view = ArchiveSnapshot(secondary)
        view.advance(retaining.committer.last_ns)
        view.refresh()
        everything = EventFilter(Filters(), view.series)
        metadata = EventFilter(Filters(lanes=["metadata"]), view.series)
        whole, kept, other = (
            [
                RangeCursor(view, wanted, Span(timebase, start_ns, NS_MAX)).guarded()
                for timebase in TIMEBASES
            ]
            for wanted, start_ns in (
                (everything, NS_MIN),
                (everything, FAR_NS),
                (metadata, NS_MIN),
            )
        )
        for cursor in (*whole, *kept, *other):
            assert await cursor.next_slice(10)
        if is_cut:
            with pytest.raises(DeathError):
                await retaining.give_back(commits=2)
            retaining.sync()
        else:
            await retaining.give_back()
        view.advance(retaining.committer.last_ns)
        view.refresh()
        if is_cut:
            for timebase in TIMEBASES:
                far = Summary(
                    start_time=timestamps.text(FAR_NS),
                    stop_time=timestamps.text(FAR_NS + 10**9),
                    buckets=10,
                )
                assert await summarize(view, far, timebase)
                near = replace(far, start_time=timestamps.text(KEPT_NS - 5 * 86_400 * 10**9))
                with pytest.raises(RequestError, match="is being given back"):
                    await summarize(view, near, timebase)
        for cursor in whole:
            with pytest.raises(RequestError, match=r"givenBack: 2026-01-01 of sat/parsed"):
                await drained(cursor)
        for cursor in (*kept, *other):
            assert await drained(cursor) > 20
        if not is_cut:
            again = RangeCursor(view, everything, Span("canonical")).guarded()
            assert await drained(again) == retaining.committer.counters.held
            assert {info.lane for info in again.given_back()} == {"parsed", "raw", "ui"}
        for known in (0, None) if is_cut else (0,):
            request = RangeRequest(
                start_ns=NS_MIN, stop_ns=NS_MAX, timebase="source", filters=Filters()
            )
            request.watermark, request.given_back = retaining.committer.last_ns, known
            with pytest.raises(RequestError, match="givenBack"):
                RangeReader(tmp_path, secondary, request)
    retaining.archive.close()
