"""Alarms of a rule and of a manifest in a real browser: one way of acting on them, and replays that
show at every moment what the Core answers for it.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Locator, Page, expect

from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.protocol.alarm_messages import Alarms
from nova.sdk.protocol.message import Timebase
from nova.sdk.timestamps import NS_PER_SECOND
from nova.testkit.running_nova import RunningNova
from tests.e2e.demo_screen import Screen, apart
from tests.e2e.kept_screen import KeptScreen
from tests.e2e.water import card, publish, row, shield, show_all, update, water

pytestmark = pytest.mark.browser

SHOWN_MS = 60_000
FROZEN_S = 60
PASS_S = 20
RATES = (2, 5, 10, 60)
FLOW, TURNS = "water.pump:flow", "turns"
RULES = """
[[rules]]
ruleId = "turns"
title = "Turns of the pump"
lane = "ui"
viewId = "water.pump"
field = "turns"
ranges.severe = { high = 2000 }
"""
WATCH = """() => {
  window.seen = [];
  window.watching = setInterval(() => {
    const list = document.querySelector('[data-testid=alarm-list]');
    if (list?.getAttribute('aria-busy') !== 'false') return;
    window.seen.push({
      time: document.querySelector('[data-testid=alarms-as-of]').dataset.time,
      states: Object.fromEntries([...document.querySelectorAll('[data-testid=alarm-row]')].map(
        (one) => [one.dataset.rule, `${one.dataset.state} ${one.dataset.severity}`])),
    });
  }, 30);
}"""


class ShownAlarms(msgspec.Struct):
    """The list at a moment of the clock."""

    time: str
    states: dict[str, str]


@pytest.fixture(scope="module")
def pumps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    folder = tmp_path_factory.mktemp("pumps")
    rules = folder / "rules"
    rules.mkdir()
    (rules / "turns.toml").write_text(RULES)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("NOVA_ALARM_RULES", str(rules))
        with water(folder) as nova:
            yield nova


def measure(nova: RunningNova, folder: Path, **values: object) -> int:
    """Publish an update of the present; returns its source time."""
    at_ns = time.time_ns()
    publish(nova, folder, [update("north", at_ns, values)])
    return at_ns


def listed(page: Page, rule: str) -> Locator:
    return page.locator(f'[data-testid="alarm-row"][data-rule="{rule}"]')


def expect_listed(page: Page, rule: str, state: str) -> None:
    expect(listed(page, rule)).to_have_attribute("data-state", state, timeout=SHOWN_MS)


def test_both_kinds_are_acted_on_alike_and_replayed_as_they_were(
    kept: KeptScreen, pumps: RunningNova, tmp_path: Path
) -> None:
    with kept.at(pumps.url) as screen:
        page = screen.page
        begun_ns = measure(pumps, tmp_path, flow=20.0, turns=1500)
        show_all(page)
        expect(row(page, "north", "flow")).to_have_attribute("data-verdict", "ok", timeout=SHOWN_MS)
        shown = len(screen.sent)
        raised_ns = measure(pumps, tmp_path, flow=3.0, turns=2500)
        expect_raised(page, raised_ns)
        acknowledge_both(page)
        listed(page, FLOW).get_by_test_id("alarm-more").click()
        listed(page, FLOW).get_by_test_id("alarm-shelve").click()
        expect(listed(page, FLOW)).to_have_count(0, timeout=SHOWN_MS)
        last_ns = measure(pumps, tmp_path, flow=7.0, turns=1000)
        expect(listed(page, TURNS)).to_have_count(0, timeout=SHOWN_MS)
        expect(row(page, "north", "flow")).to_have_attribute("data-verdict", "warning")
        expect(page.get_by_test_id("alarm-line-shelved")).to_be_visible()
        page.get_by_test_id("alarm-listing").select_option("shelved")
        expect_listed(page, FLOW, "acknowledged")
        page.get_by_test_id("alarm-listing").select_option("active")
        asked = [message for message in screen.sent[shown:] if message["type"] == "alarms"]
        assert asked == [], "LIVE it follows"
        assert_replayed(screen, pumps, begun_ns, last_ns)


def expect_raised(page: Page, raised_ns: int) -> None:
    """Panel, card, shield, tree and banner say what the Core says."""
    expect_listed(page, FLOW, "raised")
    expect(listed(page, FLOW)).to_contain_text("Water pump Flow")
    expect_listed(page, TURNS, "raised")
    line = card(page, "north").locator(f'[data-rule="{FLOW}"]')
    expect(line).to_contain_text("critical below 5")
    since = timestamps.text(raised_ns)
    expect(line.get_by_test_id("alarm-since")).to_have_attribute("data-since", since)
    expect(shield(page, "north")).to_have_attribute("data-status", "critical")
    expect(page.get_by_test_id("alarm-banner")).to_have_attribute("data-rule", TURNS)
    expect(page.get_by_test_id("tree-alarm").last).to_have_attribute("data-severity", "severe")
    expect(page.get_by_test_id("alarms-chip")).to_have_attribute("data-count", "2")


def acknowledge_both(page: Page) -> None:
    """One at its card, the other in the list."""
    line = card(page, "north").locator(f'[data-rule="{FLOW}"]')
    line.get_by_test_id("alarm-acknowledge").click()
    expect(line.get_by_test_id("alarm-by")).to_have_text("✓ admin", timeout=SHOWN_MS)
    expect_listed(page, FLOW, "acknowledged")
    listed(page, TURNS).get_by_test_id("alarm-acknowledge").click()
    expect_listed(page, TURNS, "acknowledged")
    expect(page.get_by_test_id("alarms-chip")).to_have_attribute("data-count", "0")


def assert_replayed(screen: Screen, nova: RunningNova, begun_ns: int, last_ns: int) -> None:
    """Forwards and backwards, in both timebases, without a request for each moment."""
    page = screen.page
    span_s = (last_ns - begun_ns) / NS_PER_SECOND  # On a slow machine it took long to record.
    rate = next(rate for rate in RATES if span_s / rate < PASS_S)
    page.get_by_test_id("rate").select_option(str(rate))
    for timebase in ("source", "canonical"):
        screen.seek(last_ns)
        if page.get_by_test_id("timebase").input_value() != timebase:
            page.keyboard.press("t")
        shown: list[ShownAlarms] = []
        for condition, from_ns, bound_ns in (
            ("after", begun_ns - NS_PER_SECOND, last_ns - NS_PER_SECOND // 5),
            ("before", last_ns + NS_PER_SECOND, begun_ns),
        ):
            screen.seek(from_ns)
            expect(page.get_by_test_id("alarms-chip")).not_to_have_attribute("data-trouble", "true")
            before = len(screen.sent)
            page.evaluate(WATCH)
            page.get_by_test_id("play").click()
            screen.wait_for_cursor(condition, bound_ns)
            page.get_by_test_id("play").click()
            found = page.evaluate("() => { clearInterval(window.watching); return window.seen; }")
            shown += msgspec.convert(found, list[ShownAlarms])
            asked = [one for one in screen.sent[before:] if str(one["type"]).startswith("alarm")]
            assert len(asked) < 12, asked
            page.get_by_test_id("direction").click()
        assert_as_the_core_says(nova, timebase, shown)


def assert_as_the_core_says(nova: RunningNova, timebase: str, shown: list[ShownAlarms]) -> None:
    states = {one.time: one.states for one in shown}
    assert len(states) > 8

    async def ask() -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        async with await Client.to_core(nova.data) as client:
            for at in states:
                request = Alarms(time=at, timebase=msgspec.convert(timebase, Timebase))
                page = await client.alarms(request)
                found[at] = {one.rule: f"{one.state} {one.severity or ''}" for one in page.alarms}
        return found

    assert states == apart(ask)
    assert len({tuple(one.items()) for one in states.values()}) > 2, "something happens meanwhile"


def test_values_are_not_shown_as_within_limits_while_the_core_is_behind(
    kept: KeptScreen, pumps: RunningNova, tmp_path: Path
) -> None:
    with kept.at(pumps.url) as screen:
        page = screen.page
        measure(pumps, tmp_path, flow=20.0, turns=1500, valve="open")
        show_all(page)
        valve = row(page, "north", "valve")
        expect(valve).to_have_attribute("data-verdict", "ok", timeout=SHOWN_MS)
        until_s = time.monotonic() + FROZEN_S
        while page.get_by_test_id("alarms-behind").count() == 0:
            assert time.monotonic() < until_s
            # The supervisor replaces a process that hangs.
            os.kill(pumps.child("alarms"), signal.SIGSTOP)
            measure(pumps, tmp_path, flow=20.0)
            page.wait_for_timeout(300)
        expect(page.get_by_test_id("alarms-chip")).to_have_attribute("data-trouble", "true")
        expect(page.get_by_test_id("alarms-in")).to_have_text("not judged")
        expect(valve).to_have_attribute("data-verdict", "")
        expect(page.get_by_test_id("alarms-behind")).to_have_text(re.compile("is not judged yet"))
        os.kill(pumps.child("alarms"), signal.SIGCONT)
        expect(page.get_by_test_id("alarms-behind")).to_have_count(0, timeout=SHOWN_MS)
        expect(valve).to_have_attribute("data-verdict", "ok", timeout=SHOWN_MS)
