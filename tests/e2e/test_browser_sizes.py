"""The page at every size: each control lies within its panel and the page, and a finger hits it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from nova.testkit.running_nova import RunningNova
from tests.e2e.demo_page import enter
from tests.e2e.held_session import MOTION

pytestmark = pytest.mark.browser

FAULTS = """() => {
  const isSeen = (element) => element.closest(".sr-only") === null
    && element.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})
    && element.getBoundingClientRect().width > 0;
  const scrolls = (element) => {
    for (let box = element.parentElement; box !== document.body; box = box.parentElement) {
      const {overflowX, overflowY} = getComputedStyle(box);
      if (/auto|scroll/.test(overflowX + overflowY)) return true;
    }
    return false;
  };
  const isWithin = (inner, {left, top, right, bottom}) => inner.left >= left - 1
    && inner.top >= top - 1 && inner.right <= right + 1 && inner.bottom <= bottom + 1;
  const page = document.documentElement;
  const whole = {left: 0, top: -scrollY, right: innerWidth, bottom: page.scrollHeight - scrollY};
  const faults = page.scrollWidth > innerWidth ? ["the page is wider than the screen"] : [];
  for (const element of document.querySelectorAll("button, input, select, textarea, a[href]")) {
    if (!isSeen(element)) continue;
    const name = element.dataset.testid ?? element.ariaLabel ?? element.textContent;
    const box = element.getBoundingClientRect();
    const target = (element.closest("label") ?? element).getBoundingClientRect();
    const isLow = element.type !== "range" && (target.width < 23.5 || target.height < 23.5);
    if (isLow) faults.push(`${name} is ${target.width} × ${target.height}`);
    // What a person scrolls to is where it should be.
    if (scrolls(element)) continue;
    if (!isWithin(box, whole)) faults.push(`${name} is off the page`);
    const pane = element.closest(".pane")?.getBoundingClientRect() ?? whole;
    if (!isWithin(box, pane)) faults.push(`${name} is outside its panel`);
  }
  return [...new Set(faults)];
}"""
DRAWN = "() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))"
SIZES = [(320, 640), (740, 360), (1024, 768), (3840, 2160)]
MORE_SIZES = [
    *((360, 740), (480, 800), (640, 320), (640, 360), (768, 1024), (800, 600), (932, 430)),
    *((1280, 720), (1366, 768), (1920, 1080), (2560, 1440)),
]
"""Also those of 1280 × 720 and 1920 × 1080 at a zoom of 150 and 200 %."""


@pytest.mark.parametrize(
    "sizes",
    [pytest.param(SIZES, id="few"), pytest.param(MORE_SIZES, id="more", marks=pytest.mark.slow)],
)
def test_every_control_is_in_its_place_at_any_size(
    browser: Browser, demo: RunningNova, sizes: list[tuple[int, int]]
) -> None:
    """From a small phone to a wall, upright and sideways, for each panel that a size shows."""
    page = browser.new_page(
        viewport={"width": 1280, "height": 720}, has_touch=True, reduced_motion=MOTION
    )
    enter(page, demo.url)
    faults: dict[str, list[str]] = {}
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(DRAWN)
        faults |= {f"{width} × {height} {name}": found for name, found in faults_of(page)}
    page.close()
    assert {where: found for where, found in faults.items() if found} == {}


def faults_of(page: Page) -> list[tuple[str, list[str]]]:
    """The faults of each tab on a narrow screen, else of all panels."""
    tabs = page.get_by_role("tab")
    if tabs.count() == 0:
        return [("", page.evaluate(FAULTS))]
    found = []
    for tab in tabs.all():
        tab.click()
        found.append((tab.inner_text(), page.evaluate(FAULTS)))
    return found


def test_the_theme_is_that_of_the_system_until_one_is_chosen(
    browser: Browser, demo: RunningNova
) -> None:
    page = browser.new_page(color_scheme="light", reduced_motion=MOTION)
    enter(page, demo.url)
    root = page.locator(":root")
    expect(root).to_have_attribute("data-theme", "light")
    page.emulate_media(color_scheme="dark")
    expect(root).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Switch between dark and light").click()
    expect(root).to_have_attribute("data-theme", "light")
    page.emulate_media(color_scheme="light")
    page.emulate_media(color_scheme="dark")
    expect(root).to_have_attribute("data-theme", "light")
    page.close()
