"""Pages: their size, and invalid requests."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

import msgspec
import pytest

from nova.core.commit_feed import CommitFrame
from nova.core.errors import RequestError
from nova.core.ordering import TIMEBASES, Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.page import (
    PAGE_MAX_BYTES,
    parse_key,
    parse_time_or,
    range_cursor_of,
    read_page,
)
from nova.sdk.protocol.messages import FRAME_MAX_BYTES, Filters, Query
from nova.sdk.transport.base import Record

Commit = Callable[[Sequence[Record]], CommitFrame]
LARGE_BYTES = 700_000
LARGE_EVENTS = 40


def large(number: int) -> Record:
    """An event that is nearly as large as one may be."""
    members = {
        "scopeId": "sat",
        "lane": "raw",
        "systemId": "bus",
        "containerId": "cam",
        "uniqueId": "u",
        "sourceTruthTime": f"2026-01-01T00:00:{number:02d}Z",
        "bytes": bytes([number]) * LARGE_BYTES,
    }
    return Record(None, msgspec.json.encode(members))


@pytest.mark.parametrize("timebase", TIMEBASES)
@pytest.mark.parametrize("filters", [Filters(), Filters(unique_id="u")], ids=["scan", "merge"])
async def test_pages_of_large_events_fit_a_frame_and_lose_none(
    timebase: Timebase, filters: Filters, view: ArchiveSnapshot, commit: Commit
) -> None:
    """A-301, AMB-33: a page ends by bytes before its frame is too large for the other side."""
    for number in range(LARGE_EVENTS):
        commit([large(number)])
    numbers: list[int] = []
    after: str | None = None
    while True:
        query = Query(timebase=timebase, filters=filters, limit=1_000, after_key=after)
        page = await read_page(range_cursor_of(view, query, timebase), query.limit)
        assert sum(len(event) for event in page.events) < FRAME_MAX_BYTES - PAGE_MAX_BYTES // 2
        numbers += [
            base64.b64decode(msgspec.json.decode(event)["bytes"])[0] for event in page.events
        ]
        if page.next_key is None:
            break
        after = page.next_key
    assert numbers == list(range(LARGE_EVENTS))


@pytest.mark.parametrize(
    "key", ["", "zz", "00", "0" * 14, "0" * 18, "0" * 81, "0" * 84, "xyz" * 28]
)
def test_what_is_no_order_key_is_refused(key: str) -> None:
    """A key that was not given out cannot be gone on behind (AMB-33)."""
    with pytest.raises(RequestError, match="badKey") as caught:
        parse_key(key)
    assert caught.value.code == "badKey"


def test_times_of_requests_are_checked_by_name(view: ArchiveSnapshot) -> None:
    """AMB-07: naive times are refused in requests too, by the member that holds them."""
    with pytest.raises(RequestError, match="stopTime"):
        parse_time_or("stopTime", "2026-01-01T00:00:00", 0)
    assert parse_time_or("stopTime", None, 7) == 7
    assert parse_time_or("stopTime", "1970-01-01T00:00:00.000000009Z", 7) == 9
    backwards = Query(start_time="2026-01-02T00:00:00Z", stop_time="2026-01-01T00:00:00Z")
    with pytest.raises(RequestError, match="startTime is after stopTime"):
        range_cursor_of(view, backwards, "source")
