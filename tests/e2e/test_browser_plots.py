"""Plots: the clock's line to the pixel, limits and units of manifests, axes, statistics, copies."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from nova.sdk.timestamps import NS_PER_SECOND, text
from nova.testkit.running_nova import RunningNova
from tests.e2e.demo_screen import Screen, screen_on
from tests.e2e.water import START_NS, publish, update, water

pytestmark = pytest.mark.browser

SECONDS = 120
AT_NS = START_NS + 60 * NS_PER_SECOND
SPAN = f"from={text(START_NS - 2 * NS_PER_SECOND)}&to={text(START_NS + SECONDS * NS_PER_SECOND)}"
PIXEL = 1.0

MARK_OFF = """([start, stop, at]) => [...document.querySelectorAll('.plot')].map((plot) => {
  const over = plot.querySelector('.u-over').getBoundingClientRect();
  const mark = plot.querySelector('.clock-mark').getBoundingClientRect();
  return mark.x + mark.width / 2 - (over.x + (at - start) / (stop - start) * over.width);
})"""

COLOURED = """(plot) => {
  const canvas = plot.querySelector('canvas');
  const name = getComputedStyle(document.documentElement).getPropertyValue('--plot-0').trim();
  const wanted = [1, 3, 5].map((at) => parseInt(name.slice(at, at + 2), 16));
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let at = 0; at < data.length; at += 4) {
    if (wanted.every((one, part) => Math.abs(data[at + part] - one) < 4)) found += 1;
  }
  return found;
}"""

# Pixels of the first line's colour in the last plot, between shares of its width.
DRAWN = """(shares) => {
  const plot = [...document.querySelectorAll('.plot')].at(-1);
  const canvas = plot.querySelector('canvas');
  const [all, over] = [canvas, plot.querySelector('.u-over')]
    .map((one) => one.getBoundingClientRect());
  const scale = canvas.width / all.width;
  const name = getComputedStyle(document.documentElement).getPropertyValue('--plot-0').trim();
  const wanted = [1, 3, 5].map((at) => parseInt(name.slice(at, at + 2), 16));
  const count = ([from, to]) => {
    const x = (share) => Math.round((over.x - all.x + share * over.width) * scale);
    const { data } = canvas.getContext('2d')
      .getImageData(x(from), 0, x(to) - x(from), canvas.height);
    let found = 0;
    for (let at = 0; at < data.length; at += 4) {
      if (wanted.every((one, part) => Math.abs(data[at + part] - one) < 4)) found += 1;
    }
    return found;
  };
  return Object.fromEntries(Object.entries(shares).map(([name, share]) => [name, count(share)]));
}"""


@pytest.fixture(scope="module")
def nova(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """Two minutes of one pump, one value of another, and a third whose labels are long."""
    folder = tmp_path_factory.mktemp("plots")
    with water(folder) as nova:
        regular = [
            update("north", START_NS + second * NS_PER_SECOND, values(second))
            for second in range(SECONDS)
        ]
        once = update("lone", AT_NS, {"flow": 12.0})
        broken = [
            update("broken", START_NS + second * NS_PER_SECOND, {"flow": 30.0})
            for second in (*range(30), *range(90, SECONDS))
        ]
        publish(nova, folder, [*regular, once, *broken])
        yield nova


def values(second: int) -> dict[str, object]:
    return {"flow": 20 + second / 10, "turns": 1_000_000 * second}


@pytest.fixture
def screen(browser: Browser, nova: RunningNova) -> Iterator[Screen]:
    with screen_on(browser, f"{nova.url}/#t={text(AT_NS)}&tb=source&{SPAN}") as screen:
        yield screen


def plot_of(page: Page, unit: str, *fields: str) -> Locator:
    """A new plot of fields of a unit."""
    page.locator(f'[data-testid="entity-row"][data-entity="{unit}"]').click()
    page.get_by_test_id("new-plot").click()
    for field in fields:
        row = page.locator(f'[data-testid="latest-row"][data-key="{field}"]')
        row.get_by_test_id("plot-field").click()
    found = page.get_by_test_id("plot").last
    expect(found.get_by_test_id("plot-canvas").locator("canvas")).to_be_visible()
    return found


def assert_at_the_clock(screen: Screen) -> None:
    """Wait until the line of each plot is at the clock's time, to the pixel."""
    start, stop = (at_ns / 1e6 for at_ns in screen.span_ns())
    args = [start, stop, screen.cursor_ns() / 1e6]
    screen.page.wait_for_function(
        f"(args) => ({MARK_OFF})(args).every((off) => Math.abs(off) <= {PIXEL})", arg=args
    )


def test_the_line_is_at_the_clock_to_the_pixel(screen: Screen) -> None:
    """Also paused, when other spans and labels make the axes wider, and where a press sets it."""
    page = screen.page
    plot_of(page, "north", "turns")
    plot_of(page, "north", "flow")
    screen.expect_state("PAUSED")
    assert_set_by_a_press(page, screen)
    screen.seek(AT_NS)
    assert_broken_in_a_silence(page)
    screen.show(START_NS + 50 * NS_PER_SECOND, START_NS + 70 * NS_PER_SECOND)
    assert_at_the_clock(screen)
    screen.show(START_NS - 3_600 * NS_PER_SECOND, START_NS + 3_600 * NS_PER_SECOND)
    assert_at_the_clock(screen)


def assert_broken_in_a_silence(page: Page) -> None:
    """Nothing is drawn where a field was silent, and its last value is shown as stale."""
    plot = plot_of(page, "broken", "flow")
    expect(plot.get_by_test_id("plot-line").locator(".status.stale")).to_be_visible()
    shares = {"drawn": [0.05, 0.2], "silent": [0.3, 0.7], "again": [0.8, 0.95]}
    page.wait_for_function(f"(shares) => ({DRAWN})(shares).drawn > 0", arg=shares)
    found = plot.evaluate(f"() => ({DRAWN})({json.dumps(shares)})")
    assert found["silent"] == 0 and found["drawn"] > 0 and found["again"] > 0


def assert_set_by_a_press(page: Page, screen: Screen) -> None:
    """A press sets the clock, and its line, to where it was."""
    expect(page.get_by_test_id("plot-value").last).to_have_text("26.0 l/s")
    over = page.locator(".u-over").last
    box = over.bounding_box()
    assert box is not None
    over.click(position={"x": 100, "y": box["height"] / 2})
    assert_at_the_clock(screen)
    mark = page.locator(".clock-mark").last.bounding_box()
    assert mark is not None and abs(mark["x"] + mark["width"] / 2 - box["x"] - 100) <= PIXEL


def test_a_plot_has_what_manifests_say_and_its_user_chooses(screen: Screen, tmp_path: Path) -> None:
    """Units and limits; one sample as a dot; a hidden line, axes, statistics and copies, which a
    reload keeps.
    """
    page = screen.page
    lone = plot_of(page, "lone", "flow")
    page.wait_for_function(f"(plot) => ({COLOURED})(plot) > 3", arg=lone.element_handle())
    expect(lone.get_by_test_id("plot-value")).to_have_text("12.0 l/s")
    plot = plot_of(page, "north", "flow", "turns")
    canvas = plot.get_by_test_id("plot-canvas")
    expect(canvas).to_have_attribute("data-limits", "10 5")
    row = page.locator('[data-testid="latest-row"][data-key="flow"] td')
    expect(row).to_have_text("26 l/s")
    expect(row).to_have_attribute("title", re.compile("Flow; warning below 10; critical below 5"))

    plot.get_by_test_id("plot-statistics-toggle").click()
    flow = plot.locator('[data-testid="plot-statistics"][data-field="flow"]')
    expect(flow.locator('[data-name="count"]')).to_have_text(str(SECONDS))
    expect(flow.locator('[data-name="max"]')).to_have_text("31.9")
    plot.get_by_test_id("plot-axes").click()
    axes = plot.get_by_test_id("plot-axis")
    assert [one.get_attribute("data-unit") for one in axes.all()] == ["l/s", "1/min"]
    axes.first.get_by_test_id("axis-max").fill("100")
    axes.first.get_by_test_id("axis-max").press("Enter")
    axes.first.get_by_test_id("axis-min").fill("200")
    axes.first.get_by_test_id("axis-min").press("Enter")
    expect(axes.first.get_by_role("alert")).to_contain_text("below the upper")
    axes.last.get_by_test_id("axis-log").check()
    assert screen.serious("[data-panel=plots]") == []
    plot.get_by_test_id("plot-axes").click()
    plot.locator('[data-testid="plot-line"][data-field="turns"]').get_by_test_id(
        "plot-hide"
    ).click()
    assert rows_of(page, plot, tmp_path)[0][1:] == [
        f"sat/house/cellar/north water.pump flow {what}" for what in ("mean", "min", "max")
    ]
    assert len(rows_of(page, plot, tmp_path)) == SECONDS + 1

    plot.get_by_test_id("plot-maximise").click()
    expect(page.get_by_test_id("plot")).to_have_count(1)
    expect(page.get_by_test_id("entity-tree")).to_be_hidden()
    page.get_by_test_id("plot-maximise").click()
    expect(page.get_by_test_id("plot")).to_have_count(2)
    page.reload()
    plot = page.get_by_test_id("plot").last
    hidden = plot.locator('[data-field="turns"]').get_by_test_id("plot-hide")
    expect(hidden).to_have_attribute("aria-pressed", "false")
    expect(plot.get_by_test_id("plot-table")).to_be_visible()
    plot.get_by_test_id("plot-axes").click()
    expect(plot.get_by_test_id("axis-max").first).to_have_value("100")
    expect(plot.get_by_test_id("axis-log").last).to_be_checked()


def rows_of(page: Page, plot: Locator, folder: Path) -> list[list[str]]:
    """The file that the plot is saved as."""
    with page.expect_download() as download:
        plot.get_by_test_id("plot-csv").click()
    path = folder / "plot.csv"
    download.value.save_as(path)
    return list(csv.reader(io.StringIO(path.read_text())))
