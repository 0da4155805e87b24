"""Panels that users add to a display: gauges, tables, state strips, charts, synoptics, texts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from nova.sdk import timestamps
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.testkit.running_nova import RunningNova, running_nova
from tests.e2e.demo_page import enter
from tests.e2e.demo_screen import apart, serious
from tests.e2e.held_session import MOTION
from tests.e2e.recorded_flight import publish

pytestmark = pytest.mark.browser

SCOPE = "sat"
TANK = Entity("bus", "prop", "tank")
STARTS = tuple(timestamps.parse(f"{year}-06-01T12:00:00Z") for year in (1995, 2004, 2024))
SECOND_NS = 10**9
SECONDS = 60
LEVELS = {1995: 10, 2004: 50, 2024: 90}

SERIES = {
    "scopeId": SCOPE,
    "systemId": TANK.system_id,
    "containerId": TANK.container_id,
    "uniqueId": TANK.unique_id,
    "lane": "parsed",
    "messageType": "Tank",
}
DRAWING = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 60" onload="alert(1)">
<script>document.title = "taken"</script><style>* { display: none }</style>
<image href="https://example.org/seen.png" width="9" height="9"/>
<a href="javascript:alert(1)"><text x="2" y="9">link</text></a>
<rect id="body" x="10" y="10" width="40" height="40"
  style="fill:#123456;stroke:url(https://example.org/x)"/>
<text id="level" x="30" y="30" onclick="alert(2)">?</text>
<circle id="lamp" cx="80" cy="20" r="8"/></svg>"""


LONG_AFTER = (
    "#state=paused&tb=source&t=2024-06-01T12:10:00Z"
    "&from=2024-06-01T12:00:00Z&to=2024-06-01T12:15:00Z"
)
"""Nine minutes after the last value of the newest recording."""


def field(name: str) -> dict[str, object]:
    return {"series": SERIES, "field": name}


def display(*panels: tuple[str, Mapping[str, object]]) -> str:
    columns = [
        {"share": 1, "panels": [{"id": kind, "kind": kind, "share": 1, "options": options}]}
        for kind, options in panels
    ]
    pages = [{"name": "Tank", "columns": columns, "hidden": []}]
    return json.dumps({"version": 1, "name": "Tank", "pages": pages})


def recordings(producer: Producer) -> Iterable[Event]:
    """A minute each of three years: a level, twice the level, and a valve that opens halfway; and
    once, at the very beginning, a serial number.
    """
    for start_ns, level in zip(STARTS, LEVELS.values(), strict=True):
        for second in range(SECONDS):
            at_ns = start_ns + second * SECOND_NS
            at = producer.observe(TANK, at_ns)
            now = level + second / 10
            valve = "open" if second >= SECONDS // 2 else "closed"
            values = {"level": now, "twice": 2 * now, "valve": valve}
            if at_ns == STARTS[0]:
                values["serial"] = 4711
            yield at.parsed("Tank", values, "1")


@pytest.fixture(scope="module")
def tank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    with running_nova(tmp_path_factory.mktemp("tank") / "data", "--scope", SCOPE) as nova:
        apart(lambda: publish(nova.publish, recordings))
        yield nova
        nova.kill()


@pytest.fixture
def tank_page(browser: Browser, tank: RunningNova) -> Iterator[Page]:
    """A page that stands in the newest recording and complains of nothing."""
    page = browser.new_page(
        viewport={"width": 1500, "height": 800}, reduced_motion=MOTION, color_scheme="dark"
    )
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    enter(page, f"{tank.url}/{minute_of(2024, second=30)}")
    yield page
    page.close()
    assert complaints == []


def minute_of(year: int, second: int) -> str:
    """The address of a moment in a recording, with all of it in view."""
    day = f"{year}-06-01"
    span = f"from={day}T12:00:00Z&to={day}T12:01:00Z"
    return f"#state=paused&tb=source&t={day}T12:00:{second}Z&{span}"


def go_to(page: Page, year: int, second: int) -> None:
    page.evaluate("hash => { location.hash = hash }", minute_of(year, second))


def open_display(page: Page, text: str, folder: Path) -> None:
    path = folder / "display.json"
    path.write_text(text)
    with page.expect_file_chooser() as chooser:
        page.get_by_test_id("menu-entities").click()
        page.get_by_test_id("layout-import").click()
    chooser.value.set_files(path)


def test_values_at_the_clock_in_gauge_table_and_synoptic(tank_page: Page, tmp_path: Path) -> None:
    """Each shows the field as of the clock; a drawing brings no script, style sheet or request."""
    bindings = [
        {"element": "level", "field": field("level"), "effect": "text"},
        {
            "element": "body",
            "field": field("level"),
            "effect": "fill",
            "rules": "> 80: #00ff00; else: muted",
        },
        {"element": "lamp", "field": field("valve"), "effect": "shown", "rules": "open"},
        {"element": "gone", "field": field("valve"), "effect": "text"},
    ]
    requested: list[str] = []
    tank_page.on("request", lambda request: requested.append(request.url))
    panels = (
        ("gauge", {"fields": [field("level")]}),
        ("table", {"fields": [field("level"), field("valve"), field("serial")]}),
        ("synoptic", {"svg": DRAWING, "bindings": bindings}),
        ("text", {"text": "Watch <b>the tank</b>"}),
    )
    open_display(tank_page, display(*panels), tmp_path)
    expect(tank_page.get_by_test_id("gauge")).to_contain_text("93")
    expect(tank_page.locator('[data-testid="table-row"][data-field="valve"]')).to_contain_text(
        "open"
    )
    once = tank_page.locator('[data-testid="table-row"][data-field="serial"]')
    expect(once).to_contain_text("4711")  # published once, decades and hundreds of events before
    expect(tank_page.get_by_test_id("text-panel")).to_have_text("Watch <b>the tank</b>")
    drawing = tank_page.get_by_test_id("synoptic")
    expect(drawing.locator("#level")).to_have_text("93")
    expect(drawing.locator("#body")).to_have_css("fill", "rgb(0, 255, 0)")
    expect(drawing.locator("#body")).to_have_css("stroke", "none")
    expect(drawing.locator("#lamp")).to_have_css("visibility", "visible")
    expect(drawing.locator("script, style, image, a, [onclick], [onload]")).to_have_count(0)
    expect(tank_page.get_by_text("The drawing has no element “gone”.")).to_be_visible()
    assert not any("example.org" in url for url in requested)
    assert tank_page.title() != "taken"

    go_to(tank_page, 2024, second=10)
    expect(drawing.locator("#level")).to_have_text("91")
    expect(drawing.locator("#lamp")).to_have_css("visibility", "hidden")
    expect(tank_page.locator('[data-testid="table-row"][data-field="valve"]')).to_contain_text(
        "closed"
    )
    assert serious(tank_page, '[data-testid="panels"]') == []


def test_panels_say_that_a_source_is_stale(tank_page: Page, tmp_path: Path) -> None:
    """At every kind of value at the clock, and not while the source sends."""
    fields = {"fields": [field("valve")]}
    level = {"element": "level", "field": field("level"), "effect": "text"}
    panels = (
        ("gauge", {"fields": [field("level")]}),
        ("table", fields),
        ("states", fields),
        ("synoptic", {"svg": DRAWING, "bindings": [level]}),
    )
    open_display(tank_page, display(*panels), tmp_path)
    drawn = tank_page.get_by_test_id("synoptic").locator("#level")
    expect(drawn).to_have_text("93")
    shown = [tank_page.get_by_test_id(one) for one in ("gauge", "table-row", "state-strip")]
    for one in shown:
        expect(one.locator(".status.stale")).to_have_count(0)
    tank_page.evaluate("hash => { location.hash = hash }", LONG_AFTER)
    for one in shown:
        expect(one.locator(".status.stale")).to_have_count(1)
    expect(tank_page.locator('[data-testid="table-row"] .age')).to_contain_text("stale")
    expect(drawn).to_have_class("is-stale")


def test_strips_pairs_and_histograms_over_the_span(tank_page: Page, tmp_path: Path) -> None:
    """Each reads the values of the visible span, and a pinned panel keeps its own."""
    panels = (
        ("states", {"fields": [field("valve")]}),
        ("xy", {"x": [field("level")], "y": [field("twice")]}),
        ("histogram", {"fields": [field("level")], "bins": 6}),
    )
    open_display(tank_page, display(*panels), tmp_path)
    runs = tank_page.get_by_test_id("state-run")
    expect(runs).to_have_count(2)
    assert [run.get_attribute("data-state") for run in runs.all()] == ["closed", "open"]
    expect(tank_page.get_by_test_id("strip-now")).to_have_text("open")
    expect(tank_page.get_by_test_id("xy-line")).to_have_attribute("data-points", str(SECONDS))
    bars = tank_page.locator(".histogram-bar")
    assert sum(int(bar.get_attribute("data-count") or 0) for bar in bars.all()) == SECONDS

    tank_page.locator('[data-panel="states"]').get_by_test_id("panel-pin").click()
    go_to(tank_page, 2004, second=30)
    expect(tank_page.get_by_test_id("histogram")).to_contain_text("mean 52.95")
    expect(tank_page.get_by_test_id("panel-time")).to_contain_text("2024-06-01 12:00:00.000")
    expect(runs).to_have_count(2)
    expect(tank_page.get_by_test_id("strip-clock")).to_have_count(0)


def test_recordings_of_three_years_on_one_axis(tank_page: Page, tmp_path: Path) -> None:
    """A lane is added where the view starts, or typed; each has its line since its own start."""
    typed = [{"name": "1995", "start": "1995-06-01T12:00:00Z"}]
    options = {"fields": [field("level")], "lanes": typed, "lengthS": 60}
    open_display(tank_page, display(("aligned", options)), tmp_path)
    tank_page.get_by_test_id("add-lane").click()
    go_to(tank_page, 2004, second=30)
    expect(tank_page.get_by_test_id("lane").nth(1)).to_contain_text("2024-06-01 12:00:00")
    tank_page.get_by_test_id("add-lane").click()
    lines = tank_page.get_by_test_id("aligned-line")
    expect(lines).to_have_count(3)
    for line in lines.all():
        expect(line).not_to_have_attribute("data-points", "0")
    tank_page.get_by_test_id("aligned-plot").hover(position={"x": 700, "y": 50})
    for lane, level in zip(("1995", "2024", "2004"), (10, 90, 50), strict=True):
        shown = tank_page.get_by_test_id("lane").filter(has_text=lane).locator(".reading")
        expect(shown).not_to_have_text("")
        assert level <= float(shown.inner_text()) < level + 6
