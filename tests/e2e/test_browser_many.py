"""Thousands of entities in a real browser: all are found and counted, those in sight are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from nova.testkit.running_nova import nova_command
from tests.e2e.demo_page import enter
from tests.e2e.demo_screen import new_context, serious
from tests.e2e.water import SHOWN_MS, START_NS, card, update, water

pytestmark = pytest.mark.browser

MANY_ENTITIES = [2_000, pytest.param(10_000, marks=pytest.mark.slow)]
ROWS_MAX, SHIELDS_MAX, CARDS_MAX, ELEMENTS_MAX = 100, 250, 60, 6_000
ALARM_EVERY = 50
SCROLL_TO_END = """async (list) => {
  for (let rested = 0; rested < 5; ) {
    const before = list.scrollTop;
    list.scrollTop = list.scrollHeight;
    rested = list.scrollTop === before ? rested + 1 : 0;
    await new Promise((done) => setTimeout(done, 50));
  }
}"""
"""What is drawn on the way may be higher than it was taken to be, so the end moves."""


class ManyUnits(NamedTuple):
    """A page, LIVE, and how many units there are."""

    page: Page
    units: int

    @property
    def last(self) -> str:
        """The last unit by name."""
        return f"unit-{self.units - 1:05}"

    def shield(self, unit: str) -> Locator:
        """A shield that is drawn."""
        return self.page.locator(f'[data-testid="shield"][data-place*="/{unit} "]')


def envelopes(count: int) -> Iterator[bytes]:
    """An update of each unit, by name in the order of their numbers; some are below their limit."""
    for number in range(count):
        flow = 7.5 if number % ALARM_EVERY == 0 else 20.0
        yield msgspec.json.encode(update(f"unit-{number:05}", START_NS + number, {"flow": flow}))


@pytest.fixture(scope="module", params=MANY_ENTITIES)
def many(
    request: pytest.FixtureRequest, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ManyUnits]:
    """A page with all cards, once all units are known."""
    folder = tmp_path_factory.mktemp("many")
    recording = folder / "many.jsonl"
    recording.write_bytes(b"\n".join(envelopes(request.param)))
    with water(folder) as nova:
        made = nova_command("produce", str(recording), "--to", nova.publish, "--scope", "sat")
        assert made.returncode == 0, made.stderr.decode()
        context = new_context(browser)
        page = context.new_page()
        enter(page, nova.url)
        page.get_by_test_id("card-choice").select_option("all")
        expect(page.locator('[aria-busy="true"]')).to_have_count(0, timeout=SHOWN_MS)
        yield ManyUnits(page, request.param)
        context.close()


def test_the_tree_draws_the_rows_in_sight(many: ManyUnits) -> None:
    """The tree has all of them, the page only the rows that are seen."""
    page = many.page
    search = page.get_by_test_id("entity-search")
    expect(search).to_have_attribute("placeholder", f"Search {many.units:,}", timeout=SHOWN_MS)
    rows = page.get_by_role("treeitem")
    assert rows.count() < ROWS_MAX
    page.get_by_test_id("entity-row").first.focus()
    page.keyboard.press("End")
    expect(page.locator(f'[data-testid="entity-row"][data-entity="{many.last}"]')).to_be_focused()
    assert rows.count() < ROWS_MAX
    search.fill("unit-01234")
    expect(page.get_by_test_id("entity-row")).to_have_count(1)
    search.fill("")


def test_the_wall_draws_the_shields_in_sight(many: ManyUnits) -> None:
    """Keys and the wheel lead to the last one, which then is drawn with its value."""
    page = many.page
    shields = page.get_by_test_id("shield")
    assert shields.count() < SHIELDS_MAX
    many.shield("unit-00000").focus()
    page.keyboard.press("End")
    expect(shields.last).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(many.shield(many.last)).to_be_focused()
    expect(many.shield(many.last)).to_contain_text("20.0")
    assert shields.count() < SHIELDS_MAX
    page.keyboard.press("Home")
    expect(many.shield("unit-00000")).to_be_focused()
    expect(many.shield(many.last)).to_have_count(0)
    page.locator(".wall").evaluate(SCROLL_TO_END)
    expect(many.shield(many.last)).to_be_in_viewport()
    # The first one still has the focus, and its neighbours are there for the arrow keys.
    expect(many.shield("unit-00000")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(many.shield("unit-00001")).to_be_focused()
    assert shields.count() < SHIELDS_MAX
    assert serious(page, "[data-panel=shields]") == []


@pytest.mark.slow
def test_the_cards_in_sight_are_drawn(many: ManyUnits) -> None:
    """A search and a press on a shield find the others."""
    page = many.page
    cards = page.get_by_test_id("card")
    assert 0 < cards.count() < CARDS_MAX
    # Behind what is shown until all states have come, more would appear.
    whole = page.locator("[data-testid=cards-shown]:not([aria-busy=true])")
    expect(whole).to_have_count(1, timeout=SHOWN_MS)
    page.get_by_test_id("cards-shown").evaluate(SCROLL_TO_END)
    expect(card(page, many.last)).to_be_in_viewport()
    assert cards.count() < CARDS_MAX
    page.get_by_test_id("card-search").fill("unit-01234")
    expect(cards).to_have_count(1)
    page.get_by_test_id("card-search").fill("")
    many.shield("unit-00001").click()
    expect(card(page, "unit-00001")).to_be_in_viewport()
    assert serious(page, "[data-panel=cards]") == []
    assert page.evaluate("document.querySelectorAll('*').length") < ELEMENTS_MAX


def test_the_counts_are_those_of_all_units(many: ManyUnits) -> None:
    """Drawn or not: values out of limits, and those that were in them when last heard of."""
    counts = many.page.get_by_test_id("alarm-counts").first
    out = many.units // ALARM_EVERY
    expect(counts.get_by_test_id("alarms-out")).to_have_attribute(
        "data-count", str(out), timeout=SHOWN_MS
    )
    expect(counts.get_by_test_id("alarms-stale")).to_have_attribute(
        "data-count", str(many.units - out)
    )
