"""Events dated ahead: stored, listed and marked, and never shown as the shaken."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from playwright.sync_api import Browser, Locator, expect

from nova.sdk import timestamps
from nova.sdk.events.event import Event
from nova.sdk.producer.producer import Producer
from nova.sdk.timestamps import NS_PER_SECOND
from nova.testkit.running_nova import RunningNova
from tests.e2e.demo_screen import Screen, apart, screen_on
from tests.e2e.recorded_flight import EPS, publish, publish_now, update

pytestmark = pytest.mark.browser

AHEAD_NS = timestamps.parse("2080-01-01T00:00:00Z")
SOON_NS = 6 * NS_PER_SECOND
BEFORE_IT_OPENS_NS = 12 * NS_PER_SECOND
COME_MS = 40_000


def ahead(producer: Producer) -> Iterable[Event]:
    """Three events of 2080, and one of now of another view, by which they are known to be in."""
    for count in range(3):
        yield update(producer, 2080, AHEAD_NS + count * NS_PER_SECOND)
    yield producer.observe(EPS).ui("marker", "marker", "1", {"after": 1})


def card_count(screen: Screen) -> Locator:
    """The count as the card of the unit shows it."""
    return screen.page.locator('[data-testid="card-row"][data-key="count"]')


def test_live_is_the_state_of_now_and_what_is_dated_ahead_is_listed(
    browser: Browser, shaken: RunningNova
) -> None:
    """It hides nothing, stretches nothing, is counted and marked, and can be gone to."""
    apart(lambda: publish(shaken.publish, ahead))
    with screen_on(browser, f"{shaken.url}/#state=live&tb=source") as screen:
        screen.expect_state("LIVE")
        apart(lambda: publish_now(shaken.publish, 9001))
        screen.expect_count(9001)
        apart(lambda: publish(shaken.publish, ahead))
        apart(lambda: publish(shaken.publish, lambda producer: [update(producer, 9002)]))
        screen.expect_count(9002)
        expect(card_count(screen)).to_contain_text("9002")
        expect(screen.page.get_by_test_id("ahead-mark")).to_have_count(0)
        sign = screen.page.get_by_test_id("ahead-show")
        expect(sign).to_have_text("3 events dated ahead, the last 2080-01-01: show")
        last_ms = int(screen.page.get_by_test_id("slider").get_attribute("max") or 0)
        assert last_ms < AHEAD_NS // 1_000_000
        screen.page.keyboard.press("0")
        assert screen.span_ns()[1] < AHEAD_NS
        assert screen.serious() == []
        sign.click()
        screen.expect_cursor(AHEAD_NS)
        screen.expect_count(2080)
        expect(screen.page.get_by_test_id("event-row")).to_have_count(3)
        expect(screen.page.get_by_test_id("ahead-mark")).to_have_count(3)
        screen.page.keyboard.press("End")
        assert screen.cursor_ns() < AHEAD_NS
        screen.page.keyboard.press("l")
        screen.expect_state("LIVE")
        screen.expect_count(9002)
        # In receive time what came last is the latest, whatever date it bears.
        screen.page.get_by_test_id("timebase").select_option("canonical")
        screen.expect_count(9002)
        late_ns = AHEAD_NS + 3600 * NS_PER_SECOND
        apart(lambda: publish(shaken.publish, lambda producer: [update(producer, 2081, late_ns)]))
        screen.expect_count(2081)
        expect(card_count(screen)).to_contain_text("2081")
        expect(sign).to_have_count(0)


def test_what_is_dated_ahead_is_shown_when_its_time_has_come(
    browser: Browser, shaken: RunningNova
) -> None:
    """Whether it was streamed to the page, or was in the archive before that opened."""
    stored_ns = timestamps.now() + BEFORE_IT_OPENS_NS
    apart(lambda: publish(shaken.publish, lambda producer: [update(producer, 77, stored_ns)]))
    with screen_on(browser, f"{shaken.url}/#state=live&tb=source") as screen:
        screen.expect_state("LIVE")
        expect(card_count(screen)).to_contain_text("77", timeout=COME_MS)
        assert screen.cursor_ns() >= stored_ns
        soon_ns = screen.cursor_ns() + SOON_NS
        apart(lambda: publish(shaken.publish, lambda producer: [update(producer, 78, soon_ns)]))
        expect(card_count(screen)).to_contain_text("78", timeout=COME_MS)
        assert screen.cursor_ns() >= soon_ns
        screen.expect_count(78)
