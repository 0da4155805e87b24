"""Pages of alarms continue after a rebuild, which gives the alarms other numbers."""

from __future__ import annotations

import random
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from nova.core.effect.moment import moment_at
from nova.core.errors import RequestError
from nova.core.ordering import TIMEBASES, Timebase
from nova.core.query.alarm_queries import AlarmQueries
from nova.core.query.event_filter import EventFilter
from nova.core.query.visibility import EVERYTHING
from nova.core.writer.rule_events import rule_event
from nova.sdk.alarms.alarm_rule import AlarmRule, Bounds
from nova.sdk.protocol.alarm_messages import AlarmHistory, AlarmInfo, Alarms, AlarmTransition
from nova.sdk.protocol.messages import Filters
from tests.core.derived.alarming import SCOPE, START_NS, AlarmedArchive, draw_event
from tests.core.derived.test_alarm_books import measured, recorded

SPAN = (START_NS - 10**12, START_NS + 10**12)
LOW = Bounds(low=20)


class Paging:
    """An archive in which a rule of an earlier name comes later, and then anything."""

    def __init__(self, stack: ExitStack, scratch: Path, seed: int) -> None:
        self.archived = AlarmedArchive(stack)
        for second, rule_id in enumerate(("zz", "aa")):
            rule = AlarmRule(
                rule_id=rule_id, message_type="Power", field="volts", ranges={"warning": LOW}
            )
            recorded(self.archived, rule_event(SCOPE, rule_id, rule, START_NS))
            values = (25 - second, 12 - second)
            power = [measured(n, "Power", {"volts": v}) for n, v in enumerate(values)]
            recorded(self.archived, *power)
        draw = random.Random(seed)
        for _ in range(8):
            self.archived.record([draw_event(draw) for _ in range(12)], draw.randint(1, 20))
            self.archived.make()
        self.archived.close()
        self.queries = AlarmQueries(self.archived.snapshot, self.archived.data, scratch, SCOPE)
        stack.callback(self.queries.close)
        self.filter = EventFilter(Filters(), self.archived.snapshot.series, EVERYTHING)

    def names(self) -> list[str]:
        with ExitStack() as stack:
            return [repr(name) for name in self.archived.view(stack).names]

    def rebuild(self) -> None:
        self.archived.make(anew=True)
        self.archived.close()

    async def history(
        self, timebase: Timebase, request: AlarmHistory
    ) -> tuple[list[AlarmTransition], str]:
        page = await self.queries.history(request, timebase, SPAN, SPAN[1], self.filter)
        return page.transitions, page.resume_key

    async def alarms(self, timebase: Timebase, request: Alarms) -> tuple[list[AlarmInfo], str]:
        at = moment_at(timebase, SPAN[1])
        page = await self.queries.alarms(request, at, self.filter)
        return page.alarms, page.next_key or ""


def listed(items: list[AlarmTransition] | list[AlarmInfo]) -> list[bytes]:
    return [msgspec.json.encode(item) for item in items]


@pytest.mark.parametrize("seed", range(4))
async def test_pages_before_a_rebuild_continue_after_it(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    with ExitStack() as stack:
        paging = Paging(stack, tmp_path / "scratch", seed)
        begun = []
        for timebase in TIMEBASES:
            for reverse in (False, True):
                whole, _ = await paging.history(
                    timebase, AlarmHistory(limit=5_000, reverse=reverse)
                )
                for limit in {1, 3, *(draw.randint(1, len(whole)) for _ in range(8))}:
                    first, key = await paging.history(
                        timebase, AlarmHistory(limit=limit, reverse=reverse)
                    )
                    request = AlarmHistory(limit=5_000, reverse=reverse, after_key=key)
                    begun.append((timebase, request, listed(whole), listed(first)))
        every, _ = await paging.alarms("source", Alarms(listing="all"))
        some, next_key = await paging.alarms("source", Alarms(listing="all", limit=2))
        before = paging.names()
        paging.rebuild()
        assert sorted(before) == sorted(paging.names()) and before != paging.names()
        for timebase, request, whole_before, first_before in begun:
            rest, _ = await paging.history(timebase, request)
            assert first_before + listed(rest) == whole_before
        others, _ = await paging.alarms("source", Alarms(listing="all", after_key=next_key))
        assert listed(some) + listed(others) == listed(every)


async def test_a_key_of_another_form_is_refused(tmp_path: Path) -> None:
    with ExitStack() as stack:
        paging = Paging(stack, tmp_path / "scratch", 0)
        for key in ("00-7", "7", "", "é-", "00-kQ!", "zz-kA"):
            with pytest.raises(RequestError, match="badKey"):
                await paging.history("source", AlarmHistory(after_key=key))
        for key in ("7", "é", "", "kwECAw"):
            with pytest.raises(RequestError, match="badKey"):
                await paging.alarms("source", Alarms(after_key=key))
