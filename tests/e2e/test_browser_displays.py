"""Displays in a real browser: built by one user, shared, opened and changed by another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from nova.edge.user_store import Role, UserStore
from nova.testkit.running_nova import PASSWORD, RunningNova
from tests.e2e.demo_page import HEIGHT, SHOWN_MS, WIDTH, choose
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
        viewport={"width": WIDTH, "height": HEIGHT}, reduced_motion=MOTION
    )
    page = context.new_page()
    page.goto(nova.url)
    page.get_by_test_id("login-username").fill(name)
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    expect(page.get_by_test_id("entity-row").first).to_be_visible(timeout=SHOWN_MS)
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


def test_a_team_has_a_display(ann: Page, bob: Page, tmp_path: Path) -> None:
    """Ann adds a page with a panel, drags a field into it, saves and shares; Bob opens and changes
    it; Ann, who changes it too, loses nothing.
    """
    dialog = open_dialog(ann)
    ann.get_by_test_id("page-add").click()
    ann.get_by_test_id("page-name").last.fill("Power")
    ann.get_by_test_id("add-values").click()
    expect(dialog).to_have_count(0)
    expect(ann.get_by_test_id("page-tab")).to_have_text(["Page 1", "Power"])
    for kind in ("plots", "entities"):
        open_dialog(ann)
        ann.get_by_test_id(f"add-{kind}").click()
    choose(ann, "battery")
    row = ann.locator('[data-testid="latest-row"][data-key="stateOfCharge"]').first
    drag(ann, row.locator(".field-grip"), ann.get_by_test_id("panel-plots"))
    expect(ann.get_by_test_id("plot-line")).to_have_count(1)
    drag(ann, row.locator(".field-grip"), ann.get_by_test_id("panel-entities"))
    expect(ann.get_by_test_id("plot-line")).to_have_count(2)

    open_dialog(ann)
    assert serious(ann, "[data-testid=displays]") == []
    ann.get_by_test_id("display-name").fill("Power desk")
    ann.get_by_test_id("display-save-as").click()
    expect(ann.get_by_test_id("display-state")).to_have_text("yours, version 1")
    ann.get_by_test_id("share-with").select_option("operator")
    ann.get_by_test_id("editable-by").select_option("operator")
    expect(entry(ann, "Power desk")).to_contain_text("shared with operators and admins")
    with ann.expect_download() as download:
        ann.get_by_test_id("display-export").click()
    download.value.save_as(tmp_path / "display.json")
    assert json.loads((tmp_path / "display.json").read_text())["name"] == "Power desk"
    ann.get_by_test_id("displays-close").click()

    open_dialog(bob)
    entry(bob, "Power desk").get_by_test_id("display-open").click()
    bob.get_by_test_id("page-tab").nth(1).click()
    expect(bob.get_by_test_id("plot-line")).to_have_count(2, timeout=SHOWN_MS)
    bob.get_by_test_id("menu-plots").click()
    bob.get_by_test_id("panel-settings-open").click()
    bob.get_by_test_id("panel-title").fill("Charge")
    bob.get_by_test_id("settings-apply").click()
    expect(bob.get_by_test_id("panel-plots").get_by_role("heading")).to_have_text("Charge")
    open_dialog(bob)
    bob.get_by_test_id("display-save").click()
    expect(bob.get_by_test_id("display-state")).to_have_text("of ann, version 2")

    ann.get_by_test_id("menu-values").click()
    ann.get_by_test_id("put-away").click()
    open_dialog(ann)
    expect(ann.get_by_test_id("display-state")).to_contain_text("bob saved version 2 since")
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
