"""The finder in a real browser: everything that the page has, by the keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import RunningNova
from tests.e2e.demo_page import SHOWN_MS, choose, clear_plots
from tests.e2e.demo_screen import apart, serious

pytestmark = pytest.mark.browser


def find(page: Page, text: str) -> Locator:
    """Open the finder, type, and return the option that Enter would choose."""
    page.keyboard.press("Control+k")
    expect(page.get_by_test_id("finder-input")).to_be_focused()
    page.keyboard.type(text)
    return page.locator('[data-testid="finder-option"][aria-selected="true"]')


async def publish_twins(url: str) -> None:
    """Two units of one unique ID."""
    transport = connect(url)
    producer = Producer(transport, "demo")
    twins = [producer.observe(Entity("sat", name, "cell")) for name in ("eps", "aux")]
    await producer.send([one.ui("cell", "cell", "1", {"volts": 4.1}) for one in twins])
    await transport.close()


def test_names_that_clash_are_told_apart_and_words_explained(page: Page, demo: RunningNova) -> None:
    """By as much of the path as is needed; the help says what cards and shields are."""
    apart(lambda: publish_twins(demo.publish))
    expect(page.locator('[data-testid="entity-row"][data-entity="cell"]')).to_have_count(2)
    chosen = find(page, "aux cell")
    expect(chosen).to_contain_text("aux/cell")
    page.keyboard.press("Enter")
    heading = page.get_by_test_id("panel-values").get_by_role("heading")
    expect(heading).to_contain_text("aux/cell")
    value = page.locator('[data-testid="latest-row"][data-key="volts"]')
    value.get_by_test_id("plot-field").click()
    expect(page.get_by_test_id("plot-line").filter(has_text="aux/cell volts")).to_be_visible()
    page.keyboard.press("?")
    words = page.get_by_test_id("help-words")
    expect(words).to_contain_text("shield")
    expect(words).to_contain_text("a parameter")
    assert serious(page, '[data-testid="help"]') == []
    page.keyboard.press("Escape")
    expect(words).to_be_hidden()


def test_everything_is_found_with_the_keyboard(page: Page) -> None:
    """An entity is selected, a field plotted, a command's form opened, a panel shown, a time gone
    to, an action done, and text searched for; a screen reader hears the option that is chosen.
    """
    choose(page, "gps")
    clear_plots(page)
    chosen = find(page, "attitude")
    expect(chosen).to_have_attribute("data-key", re.compile("^entity .*/attitude$"))
    box = page.get_by_test_id("finder-input")
    assert box.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    assert serious(page, '[data-testid="finder"]') == []
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("finder")).to_be_hidden()
    expect(page.get_by_test_id("panel-values").get_by_role("heading")).to_contain_text("attitude")

    field = find(page, "voltage battery")
    expect(field).to_have_attribute("data-key", re.compile("^field .*battery"), timeout=SHOWN_MS)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("plot-line")).to_have_count(1)

    expect(find(page, "heater command")).to_contain_text("Search events")
    box.fill("heater.set")
    expect(chosen).to_have_attribute("data-key", re.compile("^command .* heater.set$"))
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("panel-commands")).to_contain_text("heater.set")

    first = find(page, "").get_attribute("id")
    page.keyboard.press("ArrowDown")
    expect(chosen).not_to_have_attribute("id", first or "")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(chosen).to_contain_text("log out")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("finder")).to_be_hidden()

    was = page.get_by_test_id("cursor").get_attribute("data-time")
    expect(find(page, "-10m")).to_contain_text("Go to 2")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("state")).to_have_text("PAUSED")
    expect(page.get_by_test_id("cursor")).not_to_have_attribute("data-time", was or "")
    expect(find(page, "go live")).to_contain_text("go LIVE")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("state")).to_have_text("LIVE")

    expect(find(page, "no such thing")).to_contain_text("Search events for “no such thing”")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("search-text")).to_have_value("no such thing")
    expect(page.get_by_test_id("search-one")).to_have_count(1)
