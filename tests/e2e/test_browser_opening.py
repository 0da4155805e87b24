"""What a screen opens on before anybody has pressed anything: the instance's view, or none."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from nova.testkit.running_nova import PASSWORD, RunningNova
from tests.e2e.demo_page import SHOWN_MS
from tests.e2e.screen import screen_on, serious

DESKTOPS = [(1280, 720), (1920, 1080)]
PHONE = (390, 844)


def opened(browser: Browser, url: str, size: tuple[int, int]) -> Page:
    """The page after logging in, and nothing else."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.goto(url)
    page.get_by_test_id("login-username").fill("admin")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    return page


def expect_plots(page: Page) -> None:
    """The battery's charge and power and the temperatures are lines with values."""
    lines = page.get_by_test_id("plot-line")
    expect(lines).to_have_count(5, timeout=SHOWN_MS)
    expect(lines.first).to_contain_text("battery")
    expect(lines.first.locator(".reading")).to_have_text(re.compile(r"\d"), timeout=SHOWN_MS)


def expect_on_screen(page: Page, test_id: str) -> None:
    """All of it is in sight, without scrolling the page."""
    box, size = page.get_by_test_id(test_id).first.bounding_box(), page.viewport_size
    assert box is not None and size is not None
    assert box["x"] >= 0 and box["x"] + box["width"] <= size["width"]
    assert box["y"] >= 0 and box["y"] + box["height"] <= size["height"]


@pytest.mark.browser
@pytest.mark.parametrize("size", DESKTOPS, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_demo_opens_on_battery_orbit_and_heater(
    browser: Browser, demo: RunningNova, size: tuple[int, int]
) -> None:
    """Plots, ground track and the heater's form at once, with no press."""
    page = opened(browser, demo.url, size)
    expect_plots(page)
    expect(page.get_by_test_id("track-place")).to_contain_text("gps", timeout=SHOWN_MS)
    expect(page.get_by_test_id("track-here")).to_be_attached(timeout=SHOWN_MS)
    heater = page.locator('[data-testid="action"][data-command="heater.set"]')
    expect(heater.get_by_role("button", name="Send")).to_be_visible(timeout=SHOWN_MS)
    second = page.locator(".column").nth(1).locator("[data-panel]")
    panels = [panel.get_attribute("data-panel") for panel in second.all()]
    assert panels == ["plots", "track"]
    for shown in ("plot-canvas", "track-map", "panel-commands"):
        expect_on_screen(page, shown)
    assert serious(page) == []
    page.close()


@pytest.mark.browser
def test_the_demo_opens_on_plots_where_there_is_room_for_one_panel(
    browser: Browser, demo: RunningNova
) -> None:
    """A phone shows one panel; the others are a tab away, and nothing is wider than the screen."""
    page = opened(browser, demo.url, PHONE)
    expect_plots(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_test_id("tab-track").click()
    expect(page.get_by_test_id("track-place")).to_contain_text("gps", timeout=SHOWN_MS)
    page.get_by_test_id("tab-commands").click()
    expect(page.locator('[data-command="heater.set"]')).to_be_visible()
    page.close()


@pytest.mark.browser
def test_what_a_person_chose_stays(browser: Browser, demo: RunningNova) -> None:
    """A plot that is taken away does not come back, nor does another choice of entity."""
    page = opened(browser, demo.url, DESKTOPS[0])
    expect_plots(page)
    page.get_by_test_id("remove-plot").first.click()
    expect(page.get_by_test_id("plot-line")).to_have_count(4)
    page.reload()
    expect(page.get_by_test_id("plot-line")).to_have_count(4, timeout=SHOWN_MS)
    page.close()


@pytest.mark.browser
def test_an_instance_that_says_nothing_opens_on_its_first_entity(
    browser: Browser, recorded: RunningNova
) -> None:
    """No plots, and a map that says why it is empty."""
    with screen_on(browser, recorded.url) as screen:
        expect(screen.page.get_by_test_id("plots-empty")).to_be_visible()
        expect(screen.page.get_by_test_id("track-empty")).to_contain_text("has no position")
