"""What followers of alarms receive: in both timebases, the alarms of the present at any moment."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from nova.core.effect import moment
from nova.core.ordering import TIMEBASES, Timebase
from nova.core.query.alarm_queries import AlarmQueries
from nova.core.query.event_filter import EventFilter
from nova.core.query.visibility import EVERYTHING, Visibility
from nova.core.server.live_alarms import AlarmSubscription, LiveAlarms
from nova.core.store.alarm_store import AlarmStore
from nova.core.writer.rule_events import rule_event
from nova.sdk import timestamps
from nova.sdk.alarms.alarm_rule import AlarmRule, Bounds
from nova.sdk.protocol.alarm_messages import AlarmInfo, Alarms
from nova.sdk.protocol.messages import Filters
from tests.core.alarms.alarm_oracle import SECOND
from tests.core.derived.alarming import SCOPE, SILENT, START_NS, AlarmedArchive, draw_event
from tests.core.derived.test_alarm_books import measured, recorded

WAIT_S = 60
AlarmKey = tuple[str, str, str]


class FollowedPage:
    """What a client has that replaces each alarm by what it receives."""

    def __init__(self, subscription: AlarmSubscription) -> None:
        self.subscription = subscription
        self.alarms: dict[AlarmKey, AlarmInfo] = {}
        self.is_behind = True

    async def until(self, judged: str) -> None:
        """Receive until everything up to a time is judged."""
        async with asyncio.timeout(WAIT_S):
            while await self._receive() != judged:
                pass

    async def _receive(self) -> str | None:
        for message in await self.subscription.messages("f"):
            if message.whole:
                self.alarms.clear()
            for one in message.alarms:
                self.alarms[key_of(one)] = one
            self.is_behind = message.behind
        shown = self.alarms.items()
        self.alarms = {key: one for key, one in shown if is_shown(one)}
        return message.judged


def key_of(alarm: AlarmInfo) -> AlarmKey:
    return alarm.rule, alarm.unique_id, alarm.lane


def is_shown(alarm: AlarmInfo) -> bool:
    return alarm.state != "normal" or alarm.shelved or alarm.disabled


class LiveWorld:
    """An archive, its alarms, and who follows them."""

    def __init__(self, stack: ExitStack, scratch: Path) -> None:
        self.archived = AlarmedArchive(stack)
        snapshot = self.archived.snapshot
        self.queries = AlarmQueries(snapshot, self.archived.data, scratch, SCOPE)
        stack.callback(self.queries.close)
        self.live = LiveAlarms(self.queries, snapshot, tick_s=0.001, beat_s=0.0)

    def filter(self, visibility: Visibility = EVERYTHING) -> EventFilter:
        return EventFilter(Filters(), self.archived.snapshot.series, visibility)

    @asynccontextmanager
    async def page(
        self, timebase: Timebase, visibility: Visibility = EVERYTHING, rule: str | None = None
    ) -> AsyncIterator[FollowedPage]:
        """A follower in a timebase."""
        subscription = self.live.subscribe(timebase, self.filter(visibility), rule)
        yield FollowedPage(subscription)
        self.live.unsubscribe(timebase, subscription)

    @property
    def judged(self) -> str:
        return timestamps.text(self.archived.committer.last_ns)

    async def asked(self, timebase: Timebase) -> dict[AlarmKey, AlarmInfo]:
        """The abnormal alarms of the present by a request."""
        now = moment.now(timebase, self.archived.snapshot.watermark)
        found = await self.queries.alarms(Alarms(listing="abnormal"), now, self.filter())
        return {key_of(one): one for one in found.alarms}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveWorld]:
    with ExitStack() as stack:
        world = LiveWorld(stack, tmp_path / "scratch")
        monkeypatch.setattr(moment, "wall_clock", lambda: world.archived.now_ns)
        yield world


@pytest.mark.law
@pytest.mark.parametrize("seed", range(4))
async def test_a_client_has_at_every_moment_what_a_request_answers(
    world: LiveWorld, seed: int
) -> None:
    """Late events, rules, actions, what ends by itself, and a rebuild."""
    draw = random.Random(seed)
    async with AsyncExitStack() as stack:
        pages = {one: await stack.enter_async_context(world.page(one)) for one in TIMEBASES}
        for step in range(25):
            world.archived.record(
                [draw_event(draw) for _ in range(draw.randint(1, 6))], draw.randint(0, 5)
            )
            world.archived.make(anew=step == 15)
            for timebase, page in pages.items():
                await page.until(world.judged)
                assert page.alarms == await world.asked(timebase), (step, timebase)
                assert not page.is_behind


async def test_what_ends_by_itself_and_what_is_not_judged_are_sent_without_an_event(
    world: LiveWorld,
) -> None:
    recorded(world.archived, rule_event(SCOPE, "silent", SILENT, START_NS))
    recorded(world.archived, measured(1, "Power", {"volts": 30.0}))
    async with world.page("canonical") as page:
        await page.until(world.judged)
        assert page.alarms == {}
        world.archived.now_ns += 40 * SECOND
        async with asyncio.timeout(WAIT_S):
            while not page.alarms:
                await page.until(world.judged)
        (alarm,) = page.alarms.values()
        assert (alarm.rule, alarm.severity) == ("silent", "critical")
        judged = world.judged
        assert world.archived.committer.record(measured(2, "Power", {"volts": 3.0})) is not None
        world.archived.committer.close_commit()
        world.archived.snapshot.advance(world.archived.committer.last_ns)
        async with asyncio.timeout(WAIT_S):
            while not page.is_behind:
                await page.until(judged)


async def test_a_slow_or_limited_client_gets_the_last_change_of_what_it_may_see(
    world: LiveWorld,
) -> None:
    rule = AlarmRule(
        rule_id="volts", message_type="Power", field="volts", ranges={"warning": Bounds(low=20)}
    )
    recorded(world.archived, rule_event(SCOPE, "volts", rule, START_NS))
    others = Visibility(scopes=frozenset({"other"}))
    async with (
        world.page("source") as slow,
        world.page("source", others) as other,
        world.page("source", rule="another") as narrow,
        world.page("source") as quick,
    ):
        for second, volts in enumerate((1.0, 2.0, 30.0, 3.0), 1):
            recorded(world.archived, measured(second, "Power", {"volts": volts}))
            await quick.until(world.judged)
        (message,) = await slow.subscription.messages("f")
        assert message.whole
        assert [(one.state, one.value) for one in message.alarms] == [("raised", 3.0)]
        for page in (other, narrow):
            await page.until(world.judged)
            assert page.alarms == {}


async def test_a_damaged_database_is_said(world: LiveWorld) -> None:
    rule = AlarmRule(
        rule_id="volts", message_type="Power", field="volts", ranges={"warning": Bounds(low=20)}
    )
    recorded(world.archived, rule_event(SCOPE, "volts", rule, START_NS))
    recorded(world.archived, measured(1, "Power", {"volts": 1.0}))
    world.archived.close()
    store = AlarmStore.open_primary(world.archived.data)
    for key, _ in list(store.scan(b"fold/", b"fold0")):
        store.write([(key, b"\xc1")])
    store.close()
    async with world.page("source") as page:
        async with asyncio.timeout(WAIT_S):
            (message,) = await page.subscription.messages("f")
        assert (message.judged, message.behind, message.alarms) == (None, True, [])
