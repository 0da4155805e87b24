"""Alarms that must stay in sight: what is acknowledged, what is worse, and what is raised now while
the clock looks back.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from nova.sdk import timestamps
from nova.sdk.timestamps import NS_PER_SECOND
from nova.testkit.running_nova import RunningNova
from tests.e2e.alarm_instance import measure, nova_with_rules, send
from tests.e2e.demo_screen import screen_on

pytestmark = pytest.mark.browser

SHOWN_MS = 60_000
RULES = """
[[rules]]
ruleId = "volts"
effectiveTime = "2019-01-01T00:00:00Z"
title = "Heater voltage"
messageType = "Power"
field = "volts"
ranges.warning = { low = 24 }
ranges.critical = { low = 15 }

[[rules]]
ruleId = "amps"
title = "Heater current"
messageType = "Power"
field = "amps"
ranges.warning = { high = 9 }
"""


@pytest.fixture(scope="module")
def nova(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    with nova_with_rules(tmp_path_factory, RULES) as nova:
        yield nova


def state_of(page: Page, rule: str, state: str) -> None:
    row = page.locator(f'[data-testid="alarm-row"][data-rule="{rule}"]')
    expect(row).to_have_attribute("data-state", state, timeout=SHOWN_MS)


def acknowledge(page: Page, rule: str) -> None:
    row = page.locator(f'[data-testid="alarm-row"][data-rule="{rule}"]')
    row.get_by_test_id("alarm-acknowledge").click()
    state_of(page, rule, "acknowledged")


def test_what_is_acknowledged_or_raised_now_stays_in_sight(
    browser: Browser, nova: RunningNova
) -> None:
    at_ns = time.time_ns()
    warned_ns, crossed_ns = at_ns - 90 * NS_PER_SECOND, at_ns - 64 * NS_PER_SECOND
    send(nova, warned_ns, {"volts": 20.0, "amps": 1.0})
    with screen_on(browser, nova.url) as screen:
        page = screen.page
        state_of(page, "volts", "raised")
        send(nova, crossed_ns, {"volts": 12.0})
        banner, chip = page.get_by_test_id("alarm-banner"), page.get_by_test_id("alarms-chip")
        expect(banner).to_have_attribute("data-severity", "critical", timeout=SHOWN_MS)
        assert_counts_from(page, crossed_ns)
        assert_looked_at(page, crossed_ns)
        acknowledge(page, "volts")
        assert_counts_from(page, crossed_ns)
        expect(chip).to_have_attribute("data-acknowledged", "1")
        expect(chip).to_contain_text("critical, acknowledged")
        expect(chip.locator(".status.ok")).to_have_count(0)
        expect(banner).to_have_count(0)
        assert_no_green_dot(page)

        announcer = page.get_by_test_id("alarm-announcer")
        expect(announcer).to_have_attribute("role", "alert")
        measure(nova, amps=12.0)
        words = re.compile("Alarm: warning Heater current of heater")
        expect(announcer).to_have_text(words, timeout=SHOWN_MS)
        expect(banner).to_have_attribute("data-rule", "amps")
        worse = banner.get_by_test_id("alarm-banner-known")
        expect(worse).to_have_attribute("data-severity", "critical")
        signs = page.locator('[data-entity="heater"]').get_by_test_id("tree-alarm")
        expect(signs).to_have_count(2)
        acknowledge(page, "amps")
        assert_seen_while_looking_back(page, nova, warned_ns)


def assert_looked_at(page: Page, crossed_ns: int) -> None:
    """A press on an alarm shows its moment beside the present."""
    page.get_by_test_id("alarm-banner").get_by_test_id("alarm-go").click()
    aside = page.get_by_test_id("peek")
    expect(aside).to_have_attribute("data-time", timestamps.text(crossed_ns))
    expect(aside.locator('[data-testid="peek-row"][data-key="volts"] td')).to_contain_text("12")
    expect(aside.get_by_test_id("peek-alarm")).to_contain_text("critical Heater voltage, raised")
    expect(page.get_by_test_id("state")).to_have_text("LIVE")
    aside.get_by_test_id("peek-close").click()


def assert_counts_from(page: Page, crossed_ns: int) -> None:
    """The age beside the severity is that of the crossing of its bound."""
    so = page.locator('[data-testid="alarm-row"][data-rule="volts"]').get_by_test_id("alarm-so")
    text = timestamps.text(crossed_ns)[:19].replace("T", " ")
    expect(so).to_have_attribute("title", re.compile(re.escape(text)))
    expect(so).to_contain_text("critical or worse for")


def assert_no_green_dot(page: Page) -> None:
    """An entity with a critical value is not green, however new its values are."""
    measurement = page.locator('[data-entity="heater"] .fresh')
    green = page.evaluate(
        "() => { const probe = document.body.appendChild(document.createElement('i'));"
        "probe.style.color = 'var(--live)'; const found = getComputedStyle(probe).color;"
        "probe.remove(); return found; }"
    )
    assert measurement.evaluate("one => getComputedStyle(one).backgroundColor") != green


def assert_seen_while_looking_back(page: Page, nova: RunningNova, warned_ns: int) -> None:
    """The header has both: what was alarmed then, and what is now; a press leads to the present."""
    now = page.get_by_test_id("alarms-now")
    expect(now).to_have_count(0)
    page.get_by_test_id("seek-input").fill(timestamps.text(warned_ns - NS_PER_SECOND))
    page.get_by_test_id("seek-go").click()
    expect(page.get_by_test_id("state")).to_have_text("PAUSED")
    expect(page.get_by_test_id("alarms-chip")).to_contain_text("No alarms")
    expect(now).to_contain_text("2 acknowledged")
    measure(nova, amps=1.0)
    expect(now).to_contain_text("1 acknowledged", timeout=SHOWN_MS)
    measure(nova, amps=15.0)
    expect(now).to_have_attribute("data-count", "1", timeout=SHOWN_MS)
    expect(page.get_by_test_id("alarms-chip")).to_contain_text("No alarms")
    now.click()
    expect(page.get_by_test_id("state")).to_have_text("LIVE")
    expect(page.get_by_test_id("alarms-chip")).to_have_attribute("data-count", "1")
