#!/usr/bin/env python3
"""Takes pictures of every part of the page in the demo, at three sizes and in both themes, to be
looked at:
    .venv/bin/python scripts/screen_walk.py --into /tmp/pictures
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from nova.hardware.simulator import telemetry
from nova.sdk.events.observation import Entity
from nova.testkit.browser import running_browser
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova

SIZES = {"laptop": (1280, 720), "wide": (1920, 1080), "phone": (390, 844)}
THEMES = ("dark", "light")
SCOPE = "demo"
SHOWN_MS = 60_000
DRAWN_MS = 1_200
DRAWING = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 70">
<rect id="body" x="10" y="10" width="60" height="50" rx="6" stroke="currentColor"/>
<text id="charge" x="40" y="40" font-size="12" text-anchor="middle">?</text>
<path d="M70 35h30" stroke="currentColor"/><circle id="sun" cx="115" cy="35" r="14"/></svg>"""


def main() -> int:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--into", type=Path, required=True)
    into: Path = parser.parse_args().into
    with (
        tempfile.TemporaryDirectory() as folder,
        running_nova(Path(folder), command="demo") as nova,
        running_browser() as browser,
    ):
        walk(browser, nova, into)
    return 0


def walk(browser: Browser, nova: RunningNova, into: Path) -> None:
    """Write `<scene>-<size>-<theme>.png` of every scene into a folder."""
    into.mkdir(parents=True, exist_ok=True)
    for size, (width, height) in SIZES.items():
        for theme in THEMES:
            page = browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme="dark" if theme == "dark" else "light",
                reduced_motion="reduce",
            )
            log_in(page, nova)
            page.mouse.move(0, 0)
            for scene, show in SCENES.items():
                show(page)
                page.wait_for_timeout(DRAWN_MS)
                page.screenshot(path=str(into / f"{scene}-{size}-{theme}.png"))
                print(f"{scene}-{size}-{theme}.png")
            page.close()


def log_in(page: Page, nova: RunningNova) -> None:
    page.goto(nova.url)
    page.get_by_test_id("login-username").fill("admin")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    expect(page.get_by_test_id("panels")).to_be_visible(timeout=SHOWN_MS)


def field(entity: Entity, message_type: str, name: str, view: str = "") -> dict[str, object]:
    """A field of the lane parsed, or of a view."""
    series = {
        "scopeId": SCOPE,
        "systemId": entity.system_id,
        "containerId": entity.container_id,
        "uniqueId": entity.unique_id,
        "lane": "parsed" if view == "" else "ui",
        "messageType": message_type,
        **({} if view == "" else {"viewId": view}),
    }
    return {"series": series, "field": name}


def battery(name: str) -> dict[str, object]:
    return field(telemetry.BATTERY, "Battery", name)


def card(name: str) -> dict[str, object]:
    """A field of the battery's view, which has limits."""
    return field(telemetry.BATTERY, "UiUpdate", name, view="telemetry.battery")


def display() -> str:
    """Two pages with a panel of every kind that people add."""
    pages = [values_page(), spans_page()]
    return json.dumps({"version": 1, "name": "Power", "pages": pages})


def values_page() -> dict[str, object]:
    """Panels of the values at the clock."""
    charge, sunlit = card("stateOfCharge"), battery("sunlit")
    bindings = [
        {"element": "charge", "effect": "text", "field": charge},
        {"element": "body", "effect": "fill", "field": charge},
        {
            "element": "sun",
            "effect": "fill",
            "field": sunlit,
            "rules": "true: warning; else: muted",
        },
    ]
    fields = [battery(name) for name in ("stateOfCharge", "voltage", "current", "load")]
    return page_of(
        "Values",
        [("gauge", {"fields": [charge, battery("voltage")]}), ("table", {"fields": fields})],
        [
            ("states", {"fields": [sunlit]}),
            ("synoptic", {"svg": DRAWING, "bindings": bindings}),
        ],
        [("text", {"text": "Charge before the eclipse.\nSwitch the payload off."}), ("notes", {})],
    )


def spans_page() -> dict[str, object]:
    """Panels over a span."""
    voltage, charge = battery("voltage"), battery("stateOfCharge")
    lanes = [{"name": "now"}, {"name": "a minute before", "shiftS": -60}]
    plots = [{"id": "one", "fields": [card("stateOfCharge")]}]
    return page_of(
        "Spans",
        [
            ("xy", {"x": [voltage], "y": [charge], "isJoined": True}),
            ("histogram", {"fields": [voltage], "bins": 12}),
        ],
        [("aligned", {"fields": [charge], "lanes": lanes}), ("plots", {"plots": plots})],
    )


def page_of(name: str, *columns: list[tuple[str, dict[str, object]]]) -> dict[str, object]:
    def panel(kind: str, options: dict[str, object]) -> dict[str, object]:
        placed = {"id": kind, "kind": kind, "share": 1}
        return {**placed, "options": options} if options else placed

    shown = [{"share": 1, "panels": [panel(*one) for one in column]} for column in columns]
    return {"name": name, "columns": shown, "hidden": []}


# --- scenes ---------------------------------------------------------------------------------------


def overview(page: Page) -> None:
    """What the demo opens on, LIVE."""
    expect(page.get_by_test_id("state")).to_have_text("LIVE", timeout=SHOWN_MS)


def tab(page: Page, panel: str) -> None:
    """Show a panel: a narrow page has it behind a tab."""
    if page.get_by_test_id(f"tab-{panel}").is_visible():
        page.get_by_test_id(f"tab-{panel}").click()


def panel_scene(panel: str) -> Callable[[Page], None]:
    """A panel that fills the page."""

    def show(page: Page) -> None:
        restore(page)
        tab(page, panel)
        menu = page.get_by_test_id(f"menu-{panel}")
        menu.click()
        if page.get_by_test_id("maximise").is_visible():
            page.get_by_test_id("maximise").click()
        else:
            menu.click()

    return show


def restore(page: Page) -> None:
    """Close what is open, and show all panels."""
    for _ in range(3):
        page.keyboard.press("Escape")


def search(page: Page) -> None:
    """Matches of a condition."""
    restore(page)
    tab(page, "entities")
    page.locator('[data-testid="entity-row"][data-entity="battery"]').click()
    page.get_by_test_id("search-open").click()
    options = page.get_by_test_id("search-field").locator("option")
    expect(options.nth(1)).to_be_attached(timeout=SHOWN_MS)
    page.get_by_test_id("search-field").select_option(index=1)
    page.get_by_test_id("search-comparison").select_option(label="is above")
    page.get_by_test_id("search-value").fill("-1000")
    page.get_by_test_id("search-start").click()
    expect(page.get_by_test_id("match").first).to_be_visible(timeout=SHOWN_MS)


def pressed(button: str) -> Callable[[Page], None]:
    """A dialog behind a button."""

    def show(page: Page) -> None:
        restore(page)
        page.get_by_test_id(button).first.click()

    return show


def found(page: Page) -> None:
    """The box of Ctrl K."""
    restore(page)
    page.keyboard.press("Control+k")
    page.get_by_test_id("finder-input").fill("bat")


def own_display(page: Page) -> None:
    """A display that is read from a file."""
    restore(page)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "display.json"
        path.write_text(display())
        page.get_by_test_id("displays-open").click()
        with page.expect_file_chooser() as chooser:
            page.get_by_test_id("display-import").click()
        chooser.value.set_files(path)
        page.get_by_test_id("displays-close").click()
    expect(page.get_by_test_id("display-refusal")).to_have_count(0)
    expect(page.get_by_test_id("page-tab").first).to_be_visible()


def spans(page: Page) -> None:
    page.get_by_test_id("page-tab").last.click()


def own_tab(panel: str) -> Callable[[Page], None]:
    def show(page: Page) -> None:
        tab(page, panel)

    return show


def note(page: Page) -> None:
    """A note, which is written once in an archive."""
    page.get_by_test_id("page-tab").first.click()
    tab(page, "notes")
    if page.get_by_test_id("note").count() == 0:
        page.get_by_test_id("note-input").fill("Charge fell faster than on the last orbit.")
        page.get_by_test_id("note-save").click()
    expect(page.get_by_test_id("note").first).to_be_visible(timeout=SHOWN_MS)


def linked(page: Page) -> None:
    """A paused moment of a link that was known then, with a fault."""
    moment = "t=2026-01-01T00:00:00Z&state=paused&tb=source&known=2200-01-01T00:00:00Z&dir=up"
    page.evaluate("hash => { location.hash = hash; }", moment)
    expect(page.get_by_test_id("state")).to_have_text("PAUSED")


SCENES: dict[str, Callable[[Page], None]] = {
    "overview": overview,
    **{
        name: panel_scene(name)
        for name in ("alarms", "plots", "cards", "commands", "inspector", "track")
    },
    "search": search,
    "finder": found,
    "displays": pressed("displays-open"),
    "export": pressed("export-open"),
    "account": pressed("account-open"),
    "display": own_display,
    "note": note,
    **{f"display-{name}": own_tab(name) for name in ("gauge", "table", "states", "synoptic")},
    "spans": spans,
    **{f"spans-{name}": own_tab(name) for name in ("histogram", "aligned", "plots")},
    "linked": linked,
}
"""In order: each begins with what the one before it has left."""


if __name__ == "__main__":
    sys.exit(main())
