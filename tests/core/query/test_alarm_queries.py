"""Requests for alarms: pages, counts, what a principal may see, and damaged databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from nova.core.derived.alarm_maker import AlarmMaker
from nova.core.effect.moment import moment_at
from nova.core.errors import DerivedDamagedError, RequestError
from nova.core.ordering import TIMEBASES
from nova.core.query.alarm_queries import AlarmQueries
from nova.core.query.event_filter import EventFilter
from nova.core.query.visibility import EVERYTHING, Visibility
from nova.core.store.alarm_store import ALARMS_FOLDER, AlarmStore
from nova.core.store.rebuild_request import rebuild_request_file
from nova.core.writer.rule_events import rule_event
from nova.sdk.alarms.alarm_rule import AlarmRule, Bounds
from nova.sdk.protocol.alarm_messages import AlarmHistory, Alarms, AlarmsResponse, AlarmTransition
from nova.sdk.protocol.messages import Filters
from tests.core.derived.alarming import SCOPE, SILENT, START_NS, AlarmedArchive
from tests.core.derived.test_alarm_books import measured, recorded

UNITS = ("a", "b", "c", "d", "e")
LAST_NS = START_NS + 10**12
RULE = AlarmRule(
    rule_id="volts", message_type="Power", field="volts", ranges={"warning": Bounds(low=20)}
)


class Asking:
    """An archive with alarms of five units, of which all but the last are out of limits."""

    def __init__(self, stack: ExitStack, scratch: Path) -> None:
        self.archived = AlarmedArchive(stack)
        recorded(self.archived, rule_event(SCOPE, "volts", RULE, START_NS))
        values = zip(UNITS, (1, 2, 3, 4, 25), strict=True)
        power = [measured(n, "Power", {"volts": v}, uniqueId=u) for n, (u, v) in enumerate(values)]
        recorded(self.archived, *power)
        self.archived.close()
        snapshot = self.archived.snapshot
        self.queries = AlarmQueries(snapshot, self.archived.data, scratch, SCOPE)
        stack.callback(self.queries.close)

    def filter(self, filters: Filters, visibility: Visibility = EVERYTHING) -> EventFilter:
        return EventFilter(filters, self.archived.snapshot.series, visibility)

    async def alarms(
        self, request: Alarms, visibility: Visibility = EVERYTHING, time_ns: int = LAST_NS
    ) -> AlarmsResponse:
        at, wanted = moment_at("source", time_ns), self.filter(request.filters, visibility)
        return await self.queries.alarms(request, at, wanted)


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Asking]:
    with ExitStack() as stack:
        yield Asking(stack, tmp_path / "scratch")


async def test_pages_counts_and_filters(asking: Asking) -> None:
    request = Alarms(limit=3)
    first = await asking.alarms(request)
    assert [one.unique_id for one in first.alarms] == ["a", "b", "c"]
    (counts,) = first.counts
    assert (counts.raised, counts.normal, counts.worst) == (4, 1, "warning")
    request.after_key = first.next_key
    last = await asking.alarms(request)
    assert ([one.unique_id for one in last.alarms], last.next_key) == (["d"], None)
    assert last.counts == [], "only the first page has them"
    one = await asking.alarms(Alarms(listing="all", filters=Filters(unique_id="e")))
    assert [(alarm.unique_id, alarm.state) for alarm in one.alarms] == [("e", "normal")]
    assert (await asking.alarms(Alarms(rule="another"))).alarms == []
    with pytest.raises(RequestError, match="badKey"):
        await asking.alarms(Alarms(after_key="c"))


async def test_a_limited_principal_sees_neither_alarms_nor_counts_of_others(
    asking: Asking,
) -> None:
    found = await asking.alarms(Alarms(listing="all"), Visibility(scopes=frozenset({"other"})))
    assert (found.alarms, found.counts) == ([], [])
    lanes = Visibility(lanes=frozenset({"ui"}))
    assert (await asking.alarms(Alarms(listing="all"), lanes)).alarms == []
    history = AlarmHistory()
    wanted = asking.filter(history.filters, lanes)
    page = await asking.queries.history(history, "source", (START_NS, LAST_NS), LAST_NS, wanted)
    assert page.transitions == []


async def test_a_withdrawn_rule_has_alarms_in_the_past_only(asking: Asking) -> None:
    recorded(asking.archived, rule_event(SCOPE, "volts", None, START_NS + 10**10))
    asking.archived.close()
    assert (await asking.alarms(Alarms(listing="all"))).alarms == []
    then = await asking.alarms(Alarms(), time_ns=START_NS + 5 * 10**9)
    assert len(then.alarms) == 4


async def test_a_damaged_database_is_said_and_its_rebuild_requested(asking: Asking) -> None:
    data, archived = asking.archived.data, asking.archived
    assert not (await asking.alarms(Alarms())).behind
    store = AlarmStore.open_primary(data)
    for key, _ in list(store.scan(b"fold/", b"fold0")):
        store.write([(key, b"\xc1")])
    store.close()
    found = await asking.alarms(Alarms())
    assert (found.behind, found.judged, found.alarms) == (True, None, [])
    assert rebuild_request_file(data, ALARMS_FOLDER).exists()
    store = AlarmStore.open_primary(data)
    recorded_power = measured(9, "Power", {"volts": 7}, uniqueId="a")
    assert archived.committer.record_all([recorded_power]) == 1
    archived.committer.close_commit()
    maker = AlarmMaker(archived.snapshot, store, SCOPE)
    with pytest.raises(DerivedDamagedError):
        list(maker.make(archived.committer.last_ns))
    store.close()


async def test_the_history_backwards_has_the_same_transitions_from_the_newest_on(
    asking: Asking,
) -> None:
    recorded(asking.archived, rule_event(SCOPE, "silent", SILENT, START_NS))
    wanted = asking.filter(Filters())
    for timebase in TIMEBASES:
        pages: dict[bool, list[AlarmTransition]] = {}
        for reverse in (False, True):
            found = pages[reverse] = []
            request = AlarmHistory(reverse=reverse, limit=2)
            while True:
                span = (START_NS - 10**12, LAST_NS)
                page = await asking.queries.history(request, timebase, span, LAST_NS, wanted)
                found += page.transitions
                if page.next_key is None:
                    break
                request.after_key = page.next_key
        assert len(pages[False]) == 4 + len(UNITS), "some ended by themselves"
        assert pages[True] == pages[False][::-1]
