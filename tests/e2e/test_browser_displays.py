"""Displays in a real browser: built by one user, shared, opened and changed by another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from nova.edge.actor import local_actor
from nova.edge.display_store import DisplayStore
from nova.edge.user_store import Role, UserStore
from nova.sdk.display import Display, DisplayColumn, DisplayPage, DisplayPanel
from nova.testkit.running_nova import PASSWORD, RunningNova
from tests.e2e.demo_page import HEIGHT, SHOWN_MS, WIDTH, choose, expect_loaded
from tests.e2e.demo_screen import serious
from tests.e2e.held_session import MOTION

pytestmark = pytest.mark.browser


def visitor(browser: Browser, nova: RunningNova, name: str, role: Role = "operator") -> Page:
    """A page of a new user."""
    with UserStore(nova.data / "edge") as users:
        admin = users.get("admin")
        assert admin is not None
        assert users.add(name, admin.password_hash, role)
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, reduced_motion=MOTION, color_scheme="dark"
    )
    page = context.new_page()
    page.goto(nova.url)
    page.get_by_test_id("login-username").fill(name)
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    expect_loaded(page)
    return page


@pytest.fixture
def ann(browser: Browser, demo: RunningNova) -> Iterator[Page]:
    page = visitor(browser, demo, "ann")
    yield page
    page.context.close()


@pytest.fixture
def bob(browser: Browser, demo: RunningNova) -> Iterator[Page]:
    page = visitor(browser, demo, "bob")
    yield page
    page.context.close()


def drag(page: Page, source: Locator, target: Locator) -> None:
    """Drag with the pointer, to the middle of the target."""
    start, end = source.bounding_box(), target.bounding_box()
    assert start is not None and end is not None
    page.mouse.move(start["x"] + 4, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=5)
    expect(page.locator(".drop-mark")).to_be_visible()
    page.mouse.up()


def open_dialog(page: Page) -> Locator:
    page.get_by_test_id("displays-open").click()
    dialog = page.get_by_test_id("displays")
    expect(dialog).to_be_visible()
    return dialog


def entry(page: Page, name: str) -> Locator:
    return page.locator(f'[data-testid="display-entry"][data-name="{name}"]')


def test_a_team_has_a_display(ann: Page, bob: Page, demo: RunningNova, tmp_path: Path) -> None:
    """Ann adds a page with a panel, drags a field into it, saves and shares; Bob opens and changes
    it; Ann, who changes it too, loses nothing. Bob learns which display his page does not open.
    """
    build_page(ann)
    save_and_share(ann, tmp_path / "display.json")
    change_as_editor(bob)
    ann.get_by_test_id("menu-values").click()
    ann.get_by_test_id("put-away").click()
    open_dialog(ann)
    expect(ann.get_by_test_id("display-state")).to_contain_text("bob saved version 2 since")
    expect(ann.get_by_test_id("offered-display")).to_contain_text("was changed by bob at 20")
    expect(ann.get_by_test_id("display-save")).to_be_disabled()
    ann.get_by_test_id("display-discard").click()
    expect(ann.get_by_test_id("display-state")).to_have_text("yours, version 2")
    ann.get_by_test_id("display-versions").click()
    ann.locator('[data-testid="version-open"][data-version="1"]').click()
    expect(ann.get_by_test_id("display-state")).to_contain_text("changes that are not saved")
    ann.get_by_test_id("display-save").click()
    expect(ann.get_by_test_id("display-state")).to_have_text("yours, version 3")
    ann.get_by_test_id("displays-close").click()
    expect(ann.get_by_test_id("panel-plots").get_by_role("heading")).to_have_text("Plots")
    ann.get_by_test_id("menu-plots").click()
    ann.get_by_test_id("maximise").click()
    expect(ann.locator("[data-panel]")).to_have_count(1)
    ann.keyboard.press("Escape")
    expect(ann.get_by_test_id("panel-entities")).to_be_visible()
    open_refused(bob, demo)


def open_refused(page: Page, nova: RunningNova) -> None:
    """Open a display that an earlier edge has kept, and then another one."""
    panel = DisplayPanel(id="b", kind="chat")
    pages = [DisplayPage(name="One", columns=[DisplayColumn(panels=[panel])])]
    with DisplayStore(nova.data / "edge") as store:
        kept = store.add(Display(name="Twice", pages=pages), local_actor())
        store.share(kept.id, "operator", None, local_actor())
        page.get_by_test_id("displays-close").click()
        open_dialog(page)
        entry(page, "Twice").get_by_test_id("display-open").click()
        words = "The display Twice was not opened. pages[0].columns: a page has one panel"
        expect(page.get_by_test_id("displays").get_by_role("alert")).to_contain_text(words)
        page.get_by_test_id("displays-close").click()
        expect(page.get_by_test_id("display-refusal")).to_contain_text(words)
        open_dialog(page)
        entry(page, "Power desk").get_by_test_id("display-open").click()
        expect(page.get_by_test_id("display-refusal")).to_have_count(0)
        store.delete(kept.id, 1, local_actor())


def build_page(page: Page) -> None:
    """A second page, whose plots get a field in a panel, and one in a new panel."""
    dialog = open_dialog(page)
    page.get_by_test_id("page-add").click()
    page.get_by_test_id("page-name").last.fill("Power")
    page.get_by_test_id("add-values").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_test_id("page-tab")).to_have_text(["Page 1", "Power"])
    for kind in ("plots", "entities"):
        open_dialog(page)
        page.get_by_test_id(f"add-{kind}").click()
    choose(page, "battery")
    row = page.locator('[data-testid="latest-row"][data-key="stateOfCharge"]').first
    for panel, lines in (("plots", 1), ("entities", 2)):
        drag(page, row.locator(".field-grip"), page.get_by_test_id(f"panel-{panel}"))
        expect(page.get_by_test_id("plot-line")).to_have_count(lines)


def save_and_share(page: Page, path: Path) -> None:
    """Save the display under a name, share it with operators, and export it."""
    open_dialog(page)
    assert serious(page, "[data-testid=displays]") == []
    page.get_by_test_id("display-name").fill("Power desk")
    page.get_by_test_id("display-save-as").click()
    expect(page.get_by_test_id("display-state")).to_have_text("yours, version 1")
    page.get_by_test_id("share-with").select_option("operator")
    page.get_by_test_id("editable-by").select_option("operator")
    expect(entry(page, "Power desk")).to_contain_text("shared with operators and admins")
    with page.expect_download() as download:
        page.get_by_test_id("display-export").click()
    download.value.save_as(path)
    assert json.loads(path.read_text())["name"] == "Power desk"
    page.get_by_test_id("displays-close").click()


def change_as_editor(page: Page) -> None:
    """Open the shared display, give a panel a title, and save the next version."""
    open_dialog(page)
    entry(page, "Power desk").get_by_test_id("display-open").click()
    page.get_by_test_id("page-tab").nth(1).click()
    expect(page.get_by_test_id("plot-line")).to_have_count(2, timeout=SHOWN_MS)
    page.get_by_test_id("menu-plots").click()
    page.get_by_test_id("panel-settings-open").click()
    page.get_by_test_id("panel-title").fill("Charge")
    page.get_by_test_id("settings-apply").click()
    expect(page.get_by_test_id("panel-plots").get_by_role("heading")).to_have_text("Charge")
    open_dialog(page)
    page.get_by_test_id("display-save").click()
    expect(page.get_by_test_id("display-state")).to_have_text("of ann, version 2")


def test_what_is_not_shared_is_not_listed_and_a_default_is_opened(
    browser: Browser, demo: RunningNova
) -> None:
    """An admin's default of every scope is what a new user sees, who sees nothing else of hers."""
    page = visitor(browser, demo, "ada", "admin")
    for name in ("Draft", "House"):
        open_dialog(page)
        page.get_by_test_id("display-name").fill(name)
        page.get_by_test_id("display-save-as").click()
        expect(page.get_by_test_id("display-state")).to_have_text("yours, version 1")
        page.get_by_test_id("displays-close").click()
    open_dialog(page)
    page.get_by_test_id("share-with").select_option("viewer")
    page.locator('[data-testid="default-of"][data-scope=""]').check()
    expect(entry(page, "House")).to_contain_text("default of every scope")
    newcomer = visitor(browser, demo, "vic", "viewer")
    expect(newcomer.get_by_test_id("displays-open")).to_have_text("House")
    open_dialog(newcomer)
    expect(newcomer.get_by_test_id("display-entry")).to_have_count(1)
    page.get_by_test_id("display-remove").click()
    page.get_by_test_id("display-delete-confirm").click()
    expect(entry(page, "House")).to_have_count(0)
    for one in (page, newcomer):
        one.context.close()
