"""Alarms of rules in a real browser: raised, acknowledged, shelved, and replayed as they were."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from nova.edge.user_store import UserStore
from nova.sdk import timestamps
from nova.sdk.timestamps import NS_PER_SECOND
from nova.testkit.running_nova import PASSWORD, RunningNova
from tests.e2e.alarm_instance import measure, nova_with_rules, send
from tests.e2e.demo_screen import THEMES, Screen, new_context, screen_on, serious

pytestmark = pytest.mark.browser

SHOWN_MS = 60_000
SIZES = [(320, 700), (700, 1024), (1280, 720), (1920, 1080)]
RULES = """
[[rules]]
ruleId = "volts"
title = "Heater voltage"
messageType = "Power"
field = "volts"
ranges.warning = { low = 24 }
ranges.critical = { low = 22 }

[[rules]]
ruleId = "amps"
effectiveTime = "2019-01-01T00:00:00Z"
messageType = "Power"
field = "amps"
ranges.severe = { high = 9 }
"""
OLD_NS = timestamps.parse("2019-07-01T00:00:00Z")
COUNT_TONES = """() => {
  window.tones = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function () { window.tones += 1; return start.call(this); };
}"""


@pytest.fixture(scope="module")
def nova(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    with nova_with_rules(tmp_path_factory, RULES) as nova:
        yield nova


def row(page: Page, rule: str) -> Locator:
    return page.locator(f'[data-testid="alarm-row"][data-rule="{rule}"]')


def expect_state(page: Page, rule: str, state: str, severity: str) -> None:
    found = row(page, rule)
    expect(found).to_have_attribute("data-state", state, timeout=SHOWN_MS)
    expect(found).to_have_attribute("data-severity", severity, timeout=SHOWN_MS)


def choose(page: Page, listing: str) -> None:
    page.get_by_test_id("alarm-listing").select_option(listing)


def live(page: Page) -> None:
    page.get_by_test_id("live").click()


def tones(page: Page) -> int:
    return int(page.evaluate("window.tones"))


def test_what_operators_do_with_an_alarm_is_replayed_as_it_was(
    browser: Browser, nova: RunningNova
) -> None:
    send(nova, OLD_NS, {"volts": 30.0, "amps": 12.0})
    with screen_on(browser, nova.url) as screen:
        page = screen.page
        page.evaluate(COUNT_TONES)
        expect_state(page, "amps", "raised", "severe")
        page.get_by_test_id("alarm-sound").check()
        page.get_by_test_id("alarm-title").check()
        assert tones(page) == 1, "the choice is heard once"
        raised_ns = measure(nova, volts=23.0)
        expect_state(page, "volts", "raised", "warning")
        page.wait_for_function("window.tones === 2", timeout=SHOWN_MS)
        expect(page).to_have_title(re.compile(r"^\(2\) "))
        expect(page.get_by_test_id("alarm-banner")).to_have_attribute("data-rule", "amps")
        expect(page.get_by_test_id("alarms-chip")).to_have_attribute("data-count", "2")

        row(page, "volts").get_by_test_id("alarm-acknowledge").press("Enter")
        expect_state(page, "volts", "acknowledged", "warning")
        expect(row(page, "volts").get_by_test_id("alarm-acknowledged-by")).to_have_text("✓ admin")
        acknowledged_ns = time.time_ns()
        more = row(page, "volts").get_by_test_id("alarm-more")
        more.click()
        row(page, "volts").get_by_test_id("alarm-comment-text").fill("sun is low")
        row(page, "volts").get_by_test_id("alarm-comment").click()
        expect(row(page, "volts").locator("q")).to_have_text("admin: sun is low", timeout=SHOWN_MS)
        more.click()
        row(page, "volts").get_by_test_id("alarm-shelve").click()
        expect(row(page, "volts")).to_have_count(0, timeout=SHOWN_MS)
        shelved_ns = time.time_ns()
        choose(page, "shelved")
        expect(row(page, "volts").get_by_test_id("alarm-shelved-by")).to_contain_text("by admin")
        assert_replayed(screen, raised_ns, acknowledged_ns, shelved_ns)
        assert_unshelved(page)
        assert tones(page) == 2, "neither a replay nor a recording of 2019 rings"


def assert_replayed(screen: Screen, raised_ns: int, acknowledged_ns: int, shelved_ns: int) -> None:
    """The same states at the same moments, backwards through time, without actions."""
    page = screen.page
    screen.seek(shelved_ns)
    expect(row(page, "volts")).to_have_attribute("data-state", "acknowledged")
    unshelve = row(page, "volts")
    unshelve.get_by_test_id("alarm-more").click()
    button = unshelve.get_by_test_id("alarm-unshelve")
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(button).to_have_attribute("title", re.compile("Not LIVE"))
    choose(page, "active")
    screen.seek(acknowledged_ns)
    expect_state(page, "volts", "acknowledged", "warning")
    screen.seek(raised_ns)
    expect_state(page, "volts", "raised", "warning")
    expect(page.get_by_test_id("alarm-refusal")).to_contain_text("Not LIVE")
    expect(page).to_have_title(re.compile(r"^\(1\) "))  # Of the present, wherever the clock is.
    screen.seek(raised_ns - 1)
    expect(row(page, "volts")).to_have_count(0)
    expect_state(page, "amps", "raised", "severe")
    screen.seek(OLD_NS - NS_PER_SECOND)
    expect(page.get_by_test_id("alarms-empty")).to_contain_text("nova rules check")
    expect(page.get_by_test_id("alarm-banner")).to_have_count(0)
    screen.seek(shelved_ns)
    page.get_by_test_id("alarm-banner").get_by_test_id("alarm-go").click()
    screen.expect_cursor(OLD_NS)
    whole_s = raised_ns - raised_ns % NS_PER_SECOND
    screen.show(whole_s - NS_PER_SECOND, whole_s + 60 * NS_PER_SECOND)
    screen.seek(shelved_ns)
    marks = page.get_by_test_id("marks").locator('[data-kind="alarm"]')
    expect(marks).to_contain_text("Heater voltage of heater: warning", timeout=SHOWN_MS)
    choose(page, "history")
    changes = page.get_by_test_id("alarm-change")
    expect(changes).to_have_count(4, timeout=SHOWN_MS)
    told = [one.get_attribute("data-change") for one in changes.all()]
    assert told == ["shelved", "commented", "acknowledged", "raised"]
    changes.last.get_by_test_id("alarm-go").click()
    screen.expect_cursor(raised_ns)


def assert_unshelved(page: Page) -> None:
    live(page)
    choose(page, "shelved")
    row(page, "volts").get_by_test_id("alarm-more").click()
    row(page, "volts").get_by_test_id("alarm-unshelve").click()
    expect(row(page, "volts")).to_have_count(0, timeout=SHOWN_MS)
    choose(page, "active")
    expect_state(page, "volts", "acknowledged", "warning")
    page.get_by_test_id("alarm-text").fill("heater VOLT")
    expect(page.get_by_test_id("alarm-row")).to_have_count(1)
    page.get_by_test_id("alarm-severity").select_option("severe")
    expect(page.get_by_test_id("alarms-empty")).to_contain_text("No alarm matches")


def test_plot_and_track_mark_where_an_alarm_was_raised(browser: Browser, nova: RunningNova) -> None:
    measure(nova, volts=30.0, latitude=10.0, longitude=20.0)
    raised_ns = measure(nova, volts=21.0, latitude=11.0, longitude=21.0)
    with screen_on(browser, nova.url) as screen:
        page = screen.page
        page.locator('[data-testid="entity-row"]', has_text="heater").click()
        expect_state(page, "volts", "raised", "critical")
        screen.seek(raised_ns)
        page.get_by_role("button", name="Plot volts").click()
        words = re.compile("Heater voltage of heater: (worsened to )?critical")
        expect(page.get_by_test_id("plot-alarm").last).to_have_attribute(
            "title", words, timeout=SHOWN_MS
        )
        expect(page.get_by_test_id("track-alarm").last).to_contain_text(words, timeout=SHOWN_MS)


@pytest.mark.parametrize("sizes", [SIZES[::2], pytest.param(SIZES[1::2], marks=pytest.mark.slow)])
def test_a_viewer_reads_why_nothing_can_be_done_on_every_width(
    browser: Browser, nova: RunningNova, tmp_path: Path, sizes: list[tuple[int, int]]
) -> None:
    measure(nova, amps=12.0)
    add_viewer(nova)
    context = new_context(browser, {"width": 320, "height": 700})
    page = context.new_page()
    page.goto(nova.url)
    page.get_by_test_id("login-username").fill("watcher")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    page.get_by_test_id("alarm-banner-list").click(timeout=SHOWN_MS)
    button = row(page, "amps").get_by_test_id("alarm-acknowledge")
    expect(button).to_have_attribute("title", re.compile(r"Your role \(viewer\)"))
    row(page, "amps").get_by_test_id("alarm-more").click()
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        expect(row(page, "amps")).to_be_visible()
        page.screenshot(path=tmp_path / f"{width}.png")
        for theme in THEMES:
            page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
            assert serious(page, "[data-panel=alarms]") == [], (width, theme)
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) == 0, width
    context.close()


def add_viewer(nova: RunningNova) -> None:
    """A viewer with the administrator's password."""
    users = UserStore(nova.data / "edge")
    admin = users.get("admin")
    assert admin is not None
    users.add("watcher", admin.password_hash, "viewer")
    users.close()
