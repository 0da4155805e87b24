"""The search for a text equals brute force over the events, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.errors import RequestError
from nova.core.ordering import TIMEBASES, Timebase, order_key
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_texts import TextMatch
from nova.core.query.text_query import TextLimits, read_found, text_cursor_of
from nova.core.query.visibility import Visibility
from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.address import LANE_PRIORITY, LANES
from nova.sdk.events.event import check_stored
from nova.sdk.protocol.message import Filters
from nova.sdk.protocol.text_messages import FindText
from nova.sdk.transport.base import Batch, Record
from tests.core.telling import START_NS, telling, told
from tests.laws import law

MS = 1_000_000
TEXTS = [
    "Door open",
    'door OPEN\n"now"',
    "straße",
    "STRASSE",
    "Ünde\\r",
    "µ",
    "ab",
    "",
    "go",
    "İSTANBUL",
]
NEEDLES = [
    "door",
    "OPEN",
    "ss",
    "ß",
    "ü",
    '"NOW"',
    "\\",
    "numbers",
    "GO",
    "sat",
    "1",
    "never",
    "μ",
    "istanbul",
]


class TextPaging(NamedTuple):
    """How a search is cut into replies, and the access paths that these take in turns."""

    limit: int
    limits: TextLimits
    merges: list[bool]


class TextWorld:
    """An archive, its writer and a reader's view."""

    def __init__(self, data: Path, archive: Archive) -> None:
        self.archive = archive
        self.committer = Committer(archive, data)
        self.view = ArchiveSnapshot(Archive.open_secondary(data, data / "reader"))

    def commit(self, records: Sequence[Record]) -> None:
        self.committer.add_batch("link", Batch(records))
        self.view.advance(self.committer.close_commit().watermark)

    def expected(
        self, request: FindText, timebase: Timebase, visibility: Visibility
    ) -> list[bytes]:
        """Every event is parsed, and compared by the rule as it is documented."""
        lanes = request.filters.lanes
        found = []
        for one in told(self.archive):
            event, _ = check_stored(one.stored)
            is_wanted = visibility.matches(event.series) and (lanes is None or one.lane in lanes)
            if (
                is_wanted
                and in_span(request, one.time(timebase))
                and has_text(request.text, one.stored)
            ):
                tail = LANE_PRIORITY[one.lane], event.event_id
                keys = {
                    "source": order_key(one.source_ns, *tail),
                    "canonical": order_key(one.canonical_ns, 0, b""),
                }
                found.append((keys[timebase], one.stored))
        return [stored for _, stored in sorted(found, reverse=request.reverse)]


def in_span(request: FindText, at_ns: int) -> bool:
    start, stop = request.start_time, request.stop_time
    return (start is None or at_ns >= timestamps.parse(start)) and (
        stop is None or at_ns <= timestamps.parse(stop)
    )


def has_text(text: str, stored: bytes) -> bool:
    event = msgspec.json.decode(stored)
    body = {name: event.get(name) for name in ("payload", "data", "content", "targetId")}
    body |= {name: event.get(name) for name in ("commandId", "commandType", "messageType")}
    body |= {name: event.get(name) for name in ("viewId", "manifestId")}
    body |= {name: event.get(name) for name in ("manifestVersion", "schemaVersion")}
    return any(plain(text) in plain(one) for one in leaves(body))


def plain(text: str) -> str:
    """Upper and lower case are alike, and a capital I with a dot is an i."""
    return text.casefold().replace("i\u0307", "i")


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from leaves(one)


@pytest.fixture
def world(tmp_path: Path, archive: Archive) -> Iterator[TextWorld]:
    world = TextWorld(tmp_path, archive)
    yield world
    world.view.archive.close()


EVENTS = st.lists(
    st.builds(
        lambda at, lane, scope, text, nested: telling(
            START_NS + at * MS,
            {"text": text, "deep": [{"more": nested}, 7], "door": at},
            lane=lane,
            scope=scope,
        ),
        st.integers(0, 9),
        st.sampled_from(LANES),
        st.sampled_from(["sat", "ground"]),
        st.sampled_from(TEXTS),
        st.sampled_from(TEXTS) | st.none(),
    ),
    max_size=25,
)
LANE_SETS = st.none() | st.sets(st.sampled_from(LANES), min_size=1).map(sorted)


@law(25)
@given(
    commits=st.lists(EVENTS, max_size=4),
    text=st.sampled_from(NEEDLES),
    lanes=LANE_SETS,
    seen=st.tuples(st.none() | st.just(frozenset({"sat"})), LANE_SETS),
    span=st.none() | st.tuples(st.integers(-1, 10), st.integers(-1, 10)),
    paging=st.builds(
        TextPaging,
        st.integers(1, 9),
        st.builds(TextLimits, st.integers(1, 3), st.integers(1, 7)),
        st.lists(st.booleans(), min_size=1, max_size=3),
    ),
)
async def test_found_events_are_those_of_brute_force(
    world: TextWorld,
    commits: list[list[Record]],
    text: str,
    lanes: list[Any] | None,
    seen: tuple[frozenset[str] | None, list[str] | None],
    span: tuple[int, int] | None,
    paging: TextPaging,
) -> None:
    """Late, equal and repeated events, escaped and other letters, any lanes, span and principal;
    each reply examines little, by a scan or a merge, and every one gets further.
    """
    for records in commits:
        world.commit([*records, *records[:2]])
    visibility = Visibility(seen[0], None if seen[1] is None else frozenset(seen[1]))
    request = FindText(text=text, filters=Filters(lanes=lanes), limit=paging.limit)
    if span is not None:
        start, stop = sorted(span)
        request.start_time = timestamps.text(START_NS + start * MS)
        request.stop_time = timestamps.text(START_NS + stop * MS)
    if lanes == ["raw"]:
        with pytest.raises(RequestError, match=r"filters\.lanes: the lane raw has bytes"):
            text_cursor_of(world.view, request, "source", visibility)
        return
    for timebase in TIMEBASES:
        for request.reverse in (False, True):
            expected = world.expected(request, timebase, visibility)
            found = pages(world, request, timebase, visibility, paging)
            assert [one async for one in found] == expected


async def pages(
    world: TextWorld,
    request: FindText,
    timebase: Timebase,
    visibility: Visibility,
    paging: TextPaging,
) -> AsyncIterator[bytes]:
    """The events of all pages."""
    request.after_key = None
    for merge in cycle(paging.merges):
        cursor = text_cursor_of(world.view, request, timebase, visibility, merge=merge)
        page = await read_found(cursor, request.limit, 900, paging.limits)
        assert len(page.hits) <= request.limit
        for _, stored in page.hits:
            yield stored
        if page.next_key is None:
            return
        assert page.next_key.hex() != request.after_key
        request.after_key = page.next_key.hex()


async def test_one_reply_examines_a_bounded_number_of_events(world: TextWorld) -> None:
    """The next one continues where it ended, of which the reply has the time."""
    world.commit([telling(START_NS + n * MS, {"n": n, "at": f"no{n}"}) for n in range(40)])
    request = FindText(text="no39")
    cursor = text_cursor_of(world.view, request, "source")
    page = await read_found(cursor, 100, limits=TextLimits(slices_max=2, slice_max_events=10))
    assert page.hits == [] and page.next_key is not None
    request.after_key = page.next_key.hex()
    rest = await read_found(text_cursor_of(world.view, request, "source"), 100)
    assert len(rest.hits) == 1 and rest.next_key is None


def test_bytes_rule_out_only_what_has_no_such_text() -> None:
    kelvin = '{"eventId":"sat","payload":{"unit":"\u212a"}}'.encode()
    escaped = b'{"eventId":"sat","payload":{"unit":"\\u212a and \\u0073at"}}'
    assert TextMatch("k").matches(kelvin) and TextMatch("K").matches(escaped)
    assert TextMatch("SAT").matches(escaped) and not TextMatch("sat").matches(kelvin)
    turkish = '{"eventId":"sat","payload":{"city":"\u0130stanbul"}}'.encode()
    assert TextMatch("istanbul").matches(turkish) and TextMatch("\u0130STANBUL").matches(turkish)
    assert not TextMatch("unit").matches(kelvin), "names of members are no texts"
