"""Recordings of decades in a real browser: found by their silences, fitted into view, selected,
named, and aligned on one plot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from playwright.sync_api import Locator, expect

from nova.sdk import timestamps
from nova.sdk.events.event import Event
from nova.sdk.producer.producer import Producer
from nova.sdk.timestamps import NS_PER_SECOND
from nova.testkit.running_nova import RunningNova, running_nova
from tests.e2e.demo_screen import Screen, apart
from tests.e2e.kept_screen import KeptScreen
from tests.e2e.recorded_flight import EPS, SCOPE, publish

pytestmark = pytest.mark.browser

SHOWN_MS = 30_000
PANEL = "[data-testid=panel-recordings]"
PANEL_MIN_PX = 150
"""Its tools, its choices and more than a row."""

YEARS = (1995, 2003, 2010, 2017, 2024)
SECONDS = 60


def begin(year: int) -> int:
    """When the recording of a year begins."""
    return timestamps.parse(f"{year}-05-01T10:00:00Z")


def recording(producer: Producer, year: int) -> Iterable[Event]:
    """A minute, once a second."""
    for second in range(SECONDS):
        observed = producer.observe(EPS, begin(year) + second * NS_PER_SECOND)
        yield observed.ui("battery", "battery", "1", {"volts": 7.0 + second % 10 / 10})


@pytest.fixture(scope="module")
def decades(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """A NOVA with five recordings of thirty years."""
    with running_nova(tmp_path_factory.mktemp("decades") / "data", "--scope", SCOPE) as running:
        apart(
            lambda: publish(
                running.publish,
                lambda producer: (event for year in YEARS for event in recording(producer, year)),
            )
        )
        yield running
        running.kill()


@pytest.fixture
def screen(kept: KeptScreen, decades: RunningNova) -> Iterator[Screen]:
    """Its page, LIVE; the panels that a test adds go again."""
    with kept.at(decades.url) as shown:
        yield shown
        shown.page.keyboard.press("Control+k")
        shown.page.get_by_test_id("finder-input").fill("reset the display")
        shown.page.keyboard.press("Enter")
        expect(shown.page.get_by_test_id("panel-recordings")).to_have_count(0)


def open_recordings(screen: Screen) -> Locator:
    """Select the entity, and add the panel by the finder; returns its rows."""
    page = screen.page
    page.locator("[data-testid=entity-row][data-entity=eps]").click()
    page.keyboard.press("Control+k")
    page.get_by_test_id("finder-input").fill("recordings")
    page.keyboard.press("Enter")
    rows = page.get_by_test_id("recording")
    expect(rows).to_have_count(len(YEARS), timeout=SHOWN_MS)
    return rows


def row_of(screen: Screen, year: int) -> Locator:
    return screen.page.locator(f'[data-testid=recording][data-from^="{year}-"]')


def test_five_recordings_of_thirty_years_lie_on_one_plot(screen: Screen) -> None:
    """From the list by seven presses; before that the list leads to each of them."""
    page = screen.page
    rows = open_recordings(screen)
    expect(rows.first).to_contain_text("2024-05-01 10:00:00")
    expect(rows.last).to_contain_text(f"{SECONDS} events")
    expect(page.get_by_test_id("recordings-gap")).to_contain_text("learnt: 1 min")
    assert screen.serious(PANEL) == []

    row_of(screen, 2003).get_by_test_id("recording-go").click()
    screen.expect_state("PAUSED")
    screen.expect_cursor(begin(2003))
    end = begin(2003) + (SECONDS - 1) * NS_PER_SECOND
    first, last = screen.span_ns()
    assert begin(2003) - 10 * NS_PER_SECOND < first < begin(2003) < end < last
    row_of(screen, 2003).get_by_test_id("recording-end").click()
    screen.expect_cursor(end)
    row_of(screen, 2010).get_by_test_id("recording-select").click()
    expect(page.get_by_test_id("loop")).to_be_enabled()
    page.keyboard.press("ArrowDown")
    expect(row_of(screen, 2003).get_by_test_id("recording-select")).to_be_focused()
    page.get_by_test_id("recording-search").fill("2017")
    expect(rows).to_have_count(1)
    page.get_by_test_id("recording-search").fill("")
    expect(rows).to_have_count(len(YEARS))

    page.get_by_test_id("latest-row").filter(has_text="volts").get_by_role("button").click()
    for year in YEARS:
        row_of(screen, year).get_by_test_id("recording-choose").check()
    page.get_by_test_id("recordings-lanes").click()
    expect(page.get_by_test_id("lane")).to_have_count(len(YEARS), timeout=SHOWN_MS)
    lines = page.get_by_test_id("aligned-line")
    expect(lines).to_have_count(len(YEARS), timeout=SHOWN_MS)
    for line in lines.all():
        expect(line).not_to_have_attribute("data-points", "0")


def test_a_name_is_truth_and_stays_when_late_data_moves_the_ends(
    screen: Screen, decades: RunningNova
) -> None:
    """It is saved in LIVE alone, found by its words, given anew and withdrawn; it is a note."""
    page = screen.page
    open_recordings(screen)
    box = page.locator(PANEL).bounding_box()
    assert box is not None and box["height"] >= PANEL_MIN_PX
    row = row_of(screen, 2024)
    page.get_by_test_id("replay").click()
    type_name(screen, row, "First 0L pass")
    expect(page.get_by_test_id("recording-name-save")).to_be_in_viewport(ratio=1)
    screen.expect_state("PAUSED")
    page.get_by_test_id("recording-name-input").fill("First pass")
    expect(page.get_by_test_id("recording-name-save")).to_be_disabled()
    expect(page.get_by_test_id("recording-name-refusal")).to_contain_text("Not LIVE")
    page.get_by_test_id("recording-name-live").click()
    screen.expect_state("LIVE")
    page.get_by_test_id("recording-name-save").click()
    name = row.get_by_test_id("recording-name")
    expect(name).to_have_text("First pass", timeout=SHOWN_MS)
    late = begin(2024) - 20 * NS_PER_SECOND
    apart(lambda: publish(decades.publish, lambda producer: [late_event(producer, late)]))
    page.get_by_test_id("recordings-gap").select_option("h1")
    moved = page.locator(f'[data-testid=recording][data-from="{timestamps.text(late)}"]')
    expect(moved.get_by_test_id("recording-name")).to_have_text("First pass", timeout=SHOWN_MS)
    page.get_by_test_id("recording-search").fill("FIRST")
    expect(page.get_by_test_id("recording")).to_have_count(1)
    page.get_by_test_id("recording-search").fill("")
    moved.get_by_test_id("recording-rename").click()
    page.get_by_test_id("recording-name-input").fill("Pass 1")
    page.keyboard.press("Enter")
    expect(moved.get_by_test_id("recording-name")).to_have_text("Pass 1", timeout=SHOWN_MS)
    moved.get_by_test_id("recording-rename").click()
    expect(page.get_by_test_id("recording-name-input")).to_be_focused()
    page.get_by_test_id("recording-name-withdraw").click()
    expect(moved.get_by_test_id("recording-name")).to_have_count(0, timeout=SHOWN_MS)


def type_name(screen: Screen, row: Locator, name: str) -> None:
    """Press *Name*, and type before the page has drawn anything."""
    screen.page.evaluate(
        "([row, name]) => { row.click(); return Promise.resolve()"
        ".then(() => { for (const key of name) document.activeElement.dispatchEvent("
        "new KeyboardEvent('keydown', {key, bubbles: true})); }); }",
        [row.get_by_test_id("recording-rename").element_handle(), name],
    )
    expect(screen.page.get_by_test_id("recording-name-input")).to_be_focused()
    screen.page.keyboard.type(name)
    expect(screen.page.get_by_test_id("recording-name-input")).to_have_value(name)


def late_event(producer: Producer, at_ns: int) -> Event:
    return producer.observe(EPS, at_ns).ui("battery", "battery", "1", {"volts": 1.0})


@pytest.mark.parametrize("way", ["key", "tree", "finder", "card"])
def test_all_of_an_entity_is_fitted_into_view(screen: Screen, way: str) -> None:
    """From its first to its last telemetry; the clock stays."""
    page = screen.page
    page.locator("[data-testid=entity-row][data-entity=eps]").click()
    if way == "key":
        page.keyboard.press("e")
    elif way == "tree":
        page.get_by_test_id("entity-tree").get_by_test_id("fit-entity").click()
    elif way == "card":
        page.get_by_test_id("card").get_by_test_id("fit-entity").first.click()
    else:
        page.keyboard.press("Control+k")
        page.get_by_test_id("finder-input").fill("fit eps")
        page.keyboard.press("Enter")
    days = f"d => Date.parse(d.dataset.start) < {begin(1995) // 10**6}"
    days += f" && Date.parse(d.dataset.stop) > {begin(2024) // 10**6}"
    page.wait_for_function(f"() => ({days})(document.querySelector('[data-testid=timeline]'))")
    first, last = screen.span_ns()
    assert last - first < 1.2 * (begin(2024) - begin(1995))
    screen.expect_state("LIVE")
