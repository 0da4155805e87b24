"""The panels in a real browser: entities, values, plots, map, events, and where each panel is."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from playwright.sync_api import Locator, Page, expect

from nova.testkit.running_nova import RunningNova
from tests.e2e.demo_page import SHOWN_MS, choose, clear_plots, log_in, reload_own
from tests.e2e.demo_screen import new_context, serious

pytestmark = pytest.mark.browser

PHONE_WIDTH, PHONE_HEIGHT = 390, 844
HEX_ROW = re.compile(r"^[0-9a-f]{6}\t")


def value(page: Page, key: str) -> Locator:
    """The row of a value of the selected entity's ui view."""
    series = page.locator('[data-testid="latest-series"][data-series^="ui "]')
    return series.locator(f'[data-testid="latest-row"][data-key="{key}"]')


def pause(page: Page) -> None:
    """Leave LIVE."""
    page.get_by_test_id("replay").click()
    expect(page.get_by_test_id("state")).to_have_text("PAUSED")


def test_the_tree_chooses_entities_and_their_values_change(page: Page) -> None:
    """A-165: a selected entity's values are live, with their age; the search finds and unfolds."""
    choose(page, "attitude")
    expect(page.get_by_test_id("panel-values").get_by_role("heading")).to_contain_text("attitude")
    roll = value(page, "roll").locator("td")
    before = roll.inner_text()
    expect(roll).not_to_have_text(before, timeout=SHOWN_MS)
    expect(page.get_by_test_id("value-age").first).to_contain_text("ago")

    page.keyboard.press("/")
    page.keyboard.type("gps")
    rows = page.get_by_test_id("entity-row")
    expect(rows).to_have_count(1)
    rows.click()
    expect(value(page, "latitude")).to_be_visible()
    page.get_by_test_id("entity-search").fill("")
    expect(rows.nth(1)).to_be_visible()


def test_the_tree_is_used_with_the_keyboard(page: Page) -> None:
    """Arrows move and fold, Enter chooses, and the timeline does not take these keys."""
    pause(page)
    choose(page, "gps")
    group = page.get_by_test_id("entity-group")
    count = group.count()
    page.keyboard.press("Home")
    expect(group.first).to_be_focused()
    expect(group.first).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowLeft")
    expect(group.first).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    expect(group).to_have_count(count)
    page.keyboard.press("End")
    last = page.get_by_test_id("entity-row").last
    expect(last).to_be_focused()
    page.keyboard.press("Space")
    expect(last).to_have_attribute("aria-selected", "true")
    expect(page.get_by_test_id("state")).to_have_text("PAUSED")


def test_a_field_is_plotted_and_the_plot_sets_the_timeline(page: Page) -> None:
    """A field of the latest values becomes a line; a click in the plot sets the clock."""
    choose(page, "battery")
    clear_plots(page)
    expect(page.get_by_test_id("plots-empty")).to_be_visible()
    value(page, "voltage").get_by_test_id("plot-field").click()
    value(page, "solarPower").get_by_test_id("plot-field").click()
    lines = page.get_by_test_id("plot-line")
    expect(lines).to_have_count(2)
    expect(lines.first.locator(".reading")).to_have_text(re.compile(r"\d"), timeout=SHOWN_MS)
    page.get_by_test_id("add-field").click()
    picker = page.get_by_test_id("field-picker")
    picker.locator('[data-field="current"]').first.click()
    expect(lines).to_have_count(3)
    page.keyboard.press("Escape")
    expect(picker).to_be_hidden()

    pause(page)
    was = page.get_by_test_id("cursor").get_attribute("data-time")
    plot = page.get_by_test_id("plot-canvas").locator(".u-over")
    box = plot.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
    expect(page.get_by_test_id("cursor")).not_to_have_attribute("data-time", was or "")

    page.get_by_test_id("remove-plot").click()
    expect(page.get_by_test_id("plots-empty")).to_be_visible()


def test_the_map_shows_where_it_is(page: Page) -> None:
    """Latitude and longitude make a track and a position, offline; what says no place leaves it."""
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    choose(page, "gps")
    expect(page.get_by_test_id("track-map")).to_be_visible(timeout=SHOWN_MS)
    expect(page.get_by_test_id("track-here")).to_be_attached(timeout=SHOWN_MS)
    line = page.get_by_test_id("track-line")
    expect(line).to_have_attribute("d", re.compile(r"M[\d.]+,[\d.]+L"), timeout=SHOWN_MS)
    before = page.get_by_test_id("track-place").inner_text()
    expect(page.get_by_test_id("track-place")).not_to_have_text(before, timeout=SHOWN_MS)
    choose(page, "battery")
    expect(value(page, "voltage")).to_be_visible(timeout=SHOWN_MS)
    expect(page.get_by_test_id("track-place")).to_contain_text("gps")
    assert [url for url in requests if urlsplit(url).netloc != urlsplit(page.url).netloc] == []


def close_event(page: Page) -> None:
    """Show the events of every lane again."""
    page.get_by_test_id("event-close").click()
    page.get_by_test_id("lane-raw").click()


def test_a_field_is_seen_in_its_frame_and_back(page: Page) -> None:
    """Selecting a field shows its bits in the frame, selecting a byte its field; LIVE continues."""
    choose(page, "battery")
    page.get_by_test_id("show-frame").click()
    field = page.locator('[data-testid="frame-field"][data-field="voltage"]')
    expect(field).to_be_visible(timeout=SHOWN_MS)
    expect(page.get_by_test_id("state")).to_have_text("LIVE")
    field.press("Enter")
    expect(field).to_have_attribute("aria-pressed", "true")
    here = page.locator('[data-testid="frame-byte"][data-selected="true"]')
    expect(here).to_have_count(4)
    expect(page.get_by_test_id("frame-bits")).to_contain_text("voltage, byte 18, 4 B")
    expect(page.get_by_test_id("frame-bits"), "beside the pressed field").to_be_in_viewport()
    expect(here.first).to_be_in_viewport()
    digits = "".join(here.all_inner_texts())
    (sent,) = struct.unpack(">f", bytes.fromhex(digits))
    shown = page.get_by_test_id("frame-fields").get_by_role("row").filter(has_text="voltage")
    assert abs(sent - float(shown.locator("td").first.inner_text())) < 0.01
    page.locator('[data-testid="frame-byte"][data-at="22"]').click()
    current = page.locator('[data-testid="frame-field"][data-field="current"]')
    expect(current).to_have_attribute("aria-pressed", "true")
    assert serious(page, '[data-testid="event-detail"]') == []
    page.get_by_test_id("event-fields").click()
    expect(page.get_by_test_id("json-view")).to_contain_text("voltage")
    page.get_by_test_id("event-close").click()


def test_a_raw_frame_is_seen_in_hex_and_linked_to(page: Page, demo: RunningNova) -> None:
    """The inspector reads any lane; its event sets the clock on request, a link opens it."""
    choose(page, "gps")
    page.get_by_test_id("lane-raw").click()
    rows = page.locator('[data-testid="event-row"]')
    expect(page.locator('[data-testid="event-row"]:not([data-lane="raw"])')).to_have_count(0)
    expect(rows.nth(3)).to_be_visible(timeout=SHOWN_MS)
    rows.nth(3).click()
    detail = page.get_by_test_id("event-detail")
    expect(detail).to_be_visible()
    expect(page.get_by_test_id("state")).to_have_text("LIVE")
    detail.get_by_test_id("event-seek").click()
    expect(page.get_by_test_id("state")).to_have_text("PAUSED")
    time = page.locator('[data-testid="event-row"].chosen').get_attribute("data-time")
    assert time is not None
    expect(page.get_by_test_id("cursor")).to_have_attribute("data-time", time)
    text = detail.get_by_test_id("hex-view").inner_text()
    assert "bytes" in text and any(HEX_ROW.match(line) for line in text.splitlines())

    detail.get_by_test_id("event-face").click()
    expect(detail.get_by_test_id("json-view")).to_contain_text('"raw"')
    event_id = detail.get_attribute("data-event")
    assert event_id is not None
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    detail.get_by_test_id("copy-envelope").click()
    expect(detail.get_by_role("status")).to_have_text("Envelope copied.")
    envelope = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert envelope["eventId"] == event_id and "canonicalTruthTime" not in envelope
    detail.get_by_test_id("copy-link").click()
    expect(detail.get_by_role("status")).to_have_text("Link copied.")
    link = page.evaluate("navigator.clipboard.readText()")

    browser = page.context.browser
    assert browser is not None
    context = new_context(browser)
    other = context.new_page()
    log_in(other, link)
    expect(other.get_by_test_id("event-detail")).to_have_attribute(
        "data-event", event_id, timeout=SHOWN_MS
    )
    expect(other.get_by_test_id("cursor")).to_have_attribute("data-time", time)
    expect(other.get_by_test_id("state")).to_have_text("PAUSED")
    context.close()
    close_event(page)


@pytest.mark.parametrize("theme", ["dark", pytest.param("light", marks=pytest.mark.slow)])
def test_axe_finds_nothing_serious(page: Page, theme: str) -> None:
    """Labels, roles, contrast and focus of everything that is on the screen, in both themes."""
    if theme == "light":
        page.get_by_label("Switch between dark and light").click()
    choose(page, "gps")
    value(page, "altitude").get_by_test_id("plot-field").click()
    page.get_by_test_id("lane-raw").click()
    expect(page.locator('[data-testid="event-row"][data-lane="raw"]').first).to_be_visible()
    page.get_by_test_id("event-row").first.click()
    expect(page.get_by_test_id("hex-view")).to_be_visible()
    expect(page.get_by_test_id("track-line")).to_have_attribute("d", re.compile("L"))
    assert serious(page) == []
    page.get_by_test_id("menu-plots").click()
    assert serious(page, "[data-panel=plots]") == []
    page.keyboard.press("Escape")
    page.get_by_test_id("add-field").click()
    expect(page.get_by_test_id("choice").first).to_be_visible()
    assert serious(page, "[data-testid=field-picker]") == []
    page.keyboard.press("Escape")
    page.get_by_test_id("remove-plot").last.click()
    close_event(page)


def test_a_panel_is_moved_and_found_again_after_a_reload(page: Page) -> None:
    """Layouts are kept per user: by the pointer, by the menu, put away, and reset."""
    columns = page.locator(".column")
    expect(columns).to_have_count(4)
    title = page.get_by_test_id("panel-track").get_by_role("heading").bounding_box()
    target = page.get_by_test_id("panel-entities").bounding_box()
    assert title is not None and target is not None
    page.mouse.move(title["x"] + 20, title["y"] + 10)
    page.mouse.down()
    page.mouse.move(target["x"] + target["width"] / 2, target["y"] + target["height"] - 30, steps=5)
    page.mouse.up()
    first = columns.first.locator("[data-panel]")
    expect(first).to_have_count(3)
    assert first.nth(1).get_attribute("data-panel") == "track"

    page.get_by_test_id("menu-values").click()
    page.get_by_test_id("put-away").click()
    expect(page.get_by_test_id("panel-values")).to_have_count(0)
    reload_own(page)
    expect(page.locator(".column").first.locator("[data-panel]")).to_have_count(2)
    expect(page.get_by_test_id("panel-values")).to_have_count(0)
    page.get_by_test_id("show-values").click()
    expect(page.get_by_test_id("panel-values")).to_be_visible()
    page.get_by_test_id("menu-track").click()
    page.get_by_test_id("layout-reset").click()
    expect(page.locator(".column").first.locator("[data-panel]")).to_have_count(2)
    expect(page.locator(".column").last.locator("[data-panel]")).to_have_count(3)


def test_a_layout_is_exported_and_imported(page: Page, tmp_path: Path) -> None:
    """A display travels as JSON; what is none is refused with the place of the mistake."""
    page.get_by_test_id("menu-plots").click()
    page.get_by_test_id("put-away").click()
    page.get_by_test_id("menu-track").click()
    with page.expect_download() as download:
        page.get_by_test_id("layout-export").click()
    kept = tmp_path / "layout.json"
    download.value.save_as(kept)
    display = msgspec.json.decode(kept.read_bytes())
    assert [panel["id"] for panel in display["pages"][0]["hidden"]] == ["plots"]
    page.get_by_test_id("menu-track").click()
    page.get_by_test_id("layout-reset").click()
    expect(page.get_by_test_id("panel-plots")).to_be_visible()
    import_layout(page, kept)
    expect(page.get_by_test_id("panel-plots")).to_have_count(0)
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"version": 1, "name": "x", "pages": [{"name": "y", "columns": 1}]}')
    import_layout(page, wrong)
    refusal = page.get_by_role("alert").filter(has_text="was not imported")
    expect(refusal).to_contain_text("pages[0].columns: must be a list")
    page.keyboard.press("Escape")
    page.get_by_test_id("menu-track").click()
    page.get_by_test_id("layout-reset").click()


def import_layout(page: Page, path: Path) -> None:
    """Choose a file in the menu of the map."""
    page.get_by_test_id("menu-track").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_test_id("layout-import").click()
    chooser.value.set_files(path)


def test_a_phone_has_a_tab_for_each_panel(page: Page) -> None:
    """In portrait there is one column with tabs, nothing is wider than the screen."""
    page.set_viewport_size({"width": PHONE_WIDTH, "height": PHONE_HEIGHT})
    page.get_by_test_id("tab-entities").click()
    choose(page, "gps")
    assert serious(page) == []
    for panel in ("values", "plots", "track", "inspector", "entities"):
        page.get_by_test_id(f"tab-{panel}").click()
        expect(page.locator("[data-panel]")).to_have_count(1)
        expect(page.get_by_test_id(f"panel-{panel}")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert serious(page, f"[data-panel={panel}]") == []
