"""An operator's first minutes, in a real browser: log in, watch, go back, and return to the
present.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from nova.sdk import timestamps
from nova.testkit.running_nova import RunningNova
from tests.e2e.demo_page import choose

pytestmark = pytest.mark.browser

BACK_S = 120


def value_of(page: Page, key: str) -> Locator:
    """A value of the chosen entity's ui view."""
    series = page.locator('[data-testid="latest-series"][data-series^="ui "]')
    return series.locator(f'[data-testid="latest-row"][data-key="{key}"] td')


def cursor_ns(page: Page) -> int:
    """Where the clock is."""
    text = page.get_by_test_id("cursor").get_attribute("data-time")
    assert text is not None
    return timestamps.parse(text)


def wait_for_cursor(page: Page, condition: str, bound_ns: int) -> None:
    """Wait until the clock is before or after a moment (to the millisecond)."""
    page.wait_for_function(
        "([condition, bound]) => { const at = Date.parse(document.querySelector("
        "'[data-testid=cursor]').dataset.time.replace(/(\\.\\d{3})\\d+/, '$1'));"
        "return condition === 'before' ? at < bound : at > bound; }",
        arg=[condition, bound_ns // 1_000_000],
    )


def test_live_values_change_and_the_past_can_be_played(page: Page, tmp_path: Path) -> None:
    """A-154…A-161: live, REPLAY, seek, backwards, LIVE again; the screen follows the clock."""
    state = page.get_by_test_id("state")
    expect(state).to_have_text("LIVE")
    choose(page, "gps")
    latitude = value_of(page, "latitude")
    before = latitude.inner_text()
    expect(latitude).not_to_have_text(before)

    page.get_by_test_id("replay").click()
    expect(state).to_have_text("PAUSED")
    now_ns = cursor_ns(page)
    target_ns = now_ns - BACK_S * timestamps.NS_PER_SECOND
    page.get_by_test_id("seek-input").fill(timestamps.text(target_ns))
    page.get_by_test_id("seek-go").click()
    expect(page.get_by_test_id("cursor")).to_have_attribute("data-time", timestamps.text(target_ns))
    there = latitude.inner_text()

    page.get_by_test_id("rate").select_option("10")
    page.get_by_test_id("play").click()
    expect(state).to_have_text("PLAYING")
    wait_for_cursor(page, "after", target_ns + 20 * timestamps.NS_PER_SECOND)
    expect(latitude).not_to_have_text(there)

    page.get_by_test_id("direction").click()
    turned_ns = cursor_ns(page)
    wait_for_cursor(page, "before", turned_ns - 10 * timestamps.NS_PER_SECOND)
    expect(state).to_have_text("PLAYING")
    newest = page.get_by_test_id("event-row").first.get_attribute("data-time")
    assert newest is not None and timestamps.parse(newest) <= turned_ns

    page.get_by_test_id("live").click()
    expect(state).to_have_text("LIVE")
    wait_for_cursor(page, "after", now_ns)
    screenshot = page.screenshot(path=str(tmp_path / "live.png"))
    assert len(screenshot) > 10_000


def test_values_at_a_moment_are_the_same_from_either_side(page: Page) -> None:
    """A-144, A-162: seeking to one moment shows one state, whatever was shown before."""
    choose(page, "gps")
    page.get_by_test_id("replay").click()
    moment_ns = cursor_ns(page) - BACK_S * timestamps.NS_PER_SECOND
    found: list[str] = []
    for detour_s in (-60, 60):
        for at_ns in (moment_ns + detour_s * timestamps.NS_PER_SECOND, moment_ns):
            page.get_by_test_id("seek-input").fill(timestamps.text(at_ns))
            page.get_by_test_id("seek-go").click()
            expect(page.get_by_test_id("event-row").first).to_be_visible()
            expect(value_of(page, "latitude")).to_be_visible()
        page.wait_for_load_state("networkidle")
        found.append(value_of(page, "latitude").inner_text())
    assert found[0] == found[1]


def test_everything_fits_and_the_keyboard_works(page: Page) -> None:
    """Readable at 1280x720 without scrolling the page; space, L and ? act."""
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    state = page.get_by_test_id("state")
    page.keyboard.press("?")
    expect(page.get_by_test_id("help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("help")).to_be_hidden()
    page.keyboard.press("Space")
    expect(state).to_have_text("PAUSED")
    page.keyboard.press("Space")
    expect(state).to_have_text(re.compile("PLAYING|PAUSED"))
    page.keyboard.press("l")
    expect(state).to_have_text("LIVE")


def test_a_wrong_password_is_said_in_words(browser: Browser, demo: RunningNova) -> None:
    """A-269: who may not come in is told so, and nothing else."""
    page = browser.new_page()
    page.goto(demo.url)
    page.get_by_test_id("login-username").fill("admin")
    page.get_by_test_id("login-password").fill("wrong")
    page.get_by_test_id("login-submit").click()
    expect(page.get_by_test_id("login-error")).not_to_be_empty()
    expect(page.get_by_test_id("entity-row")).to_have_count(0)
    page.close()
