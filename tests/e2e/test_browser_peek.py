"""Looks aside: a press on an event or an alarm leaves LIVE alone, and links and selections keep
what they mean, or say that they do not.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from nova.sdk import timestamps
from nova.testkit.running_nova import RunningNova
from tests.e2e.demo_screen import screen_on
from tests.e2e.recorded_flight import EPS, SECONDS, second

pytestmark = pytest.mark.browser

NS_PER_MS = 1_000_000


def test_a_press_on_an_event_looks_aside_while_live_goes_on(
    browser: Browser, recorded: RunningNova
) -> None:
    """The event is shown, on request the values of its moment; only a choice moves the clock."""
    with screen_on(browser, recorded.url) as screen:
        page = screen.page
        screen.expect_state("LIVE")
        page.locator(f'[data-testid="entity-row"][data-entity="{EPS.unique_id}"]').click()
        page.get_by_test_id("lane-ui").click()
        others = page.locator('[data-testid="event-row"]:not([data-lane="ui"])')
        expect(others).to_have_count(0)
        row = page.get_by_test_id("event-row").nth(3)
        time = row.get_attribute("data-time")
        row.click()
        detail = page.get_by_test_id("event-detail")
        expect(detail).to_be_visible()
        screen.expect_state("LIVE")
        detail.get_by_test_id("event-peek").click()
        aside = page.get_by_test_id("peek")
        expect(aside).to_have_attribute("data-time", time or "")
        count = aside.locator('[data-testid="peek-row"][data-key="count"] td')
        expect(count).to_have_text(re.compile(f"^{SECONDS - 4}"))
        assert screen.serious("[data-testid=peek]") == []
        screen.expect_state("LIVE")
        page.keyboard.press("Escape")
        expect(aside).to_be_hidden()
        detail.get_by_test_id("event-peek").click()
        aside.get_by_test_id("peek-go").click()
        screen.expect_state("PAUSED")
        screen.expect_cursor(second(SECONDS - 4))
        expect(aside).to_be_hidden()


def test_bad_links_say_so_and_a_selection_keeps_its_events(
    browser: Browser, recorded: RunningNova
) -> None:
    """What of a link cannot be read is named; by the other clock a selection has its events."""
    span = f"{timestamps.text(second(10))}~{timestamps.text(second(20))}"
    link = f"{recorded.url}/#t={timestamps.text(second(20))}&tb=source&rate=7&sel={span}"
    with screen_on(browser, link) as screen:
        page = screen.page
        fault = page.get_by_test_id("moment-fault")
        expect(fault).to_contain_text("The link's rate must be one of")
        fault.get_by_role("button").click()
        expect(fault).to_be_hidden()
        page.locator(f'[data-testid="entity-row"][data-entity="{EPS.unique_id}"]').click()
        page.get_by_test_id("lane-ui").click()
        page.get_by_test_id("event-range").select_option("selection")
        received = [received_at(page, number) for number in (10, 20)]
        page.get_by_test_id("timebase").select_option("canonical")
        expect(page).to_have_url(re.compile("tb=canonical"))
        selected = str(page.evaluate("location.hash")).split("sel=")[1].split("&")[0]
        first, last = (timestamps.parse(one) for one in selected.split("~"))
        assert first < received[0] + NS_PER_MS and received[1] <= last
        # Events of one import are microseconds apart: times of the page have no more digits.
        assert last - first <= received[1] - received[0] + 3 * NS_PER_MS


def received_at(page: Page, number: int) -> int:
    """When an event of the selection was received, to the millisecond."""
    row = page.get_by_test_id("event-row").filter(has_text=f"count {number} ")
    row.click()
    detail = page.get_by_test_id("event-detail")
    expect(detail.get_by_test_id("json-view")).to_contain_text(f"count: {number}")
    text = detail.locator("dd").nth(1).inner_text()
    page.get_by_test_id("event-close").click()
    return timestamps.parse(f"{text.replace(' ', 'T')}Z")
