"""User actions in the command panel."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.e2e.demo_screen import Screen

SHOWN_MS = 60_000


def live(screen: Screen) -> None:
    """Go LIVE, if the clock is elsewhere."""
    screen.page.get_by_test_id("live").click()
    screen.expect_state("LIVE")


def choose(page: Page, entity: str) -> None:
    """Choose an entity; wait until the panel is about it."""
    choose_only(page, entity)
    expect(page.get_by_test_id("command-actions")).to_have_attribute(
        "data-entity", entity, timeout=SHOWN_MS
    )


def action(page: Page, command_type: str) -> Locator:
    """An action of the selected entity, its form open."""
    found = page.locator(f'[data-testid="action"][data-command="{command_type}"]')
    button = found.get_by_test_id("action-open")
    if button.get_attribute("aria-expanded") == "false":
        button.click()
    expect(found.get_by_test_id("command-form")).to_be_visible()
    return found


def submitted(screen: Screen, command_type: str) -> list[dict[str, object]]:
    """What the page has sent of a command."""
    return [one for one in screen.sent if one.get("commandType") == command_type]


def newest(page: Page) -> Locator:
    """The newest command of the history that is in sight."""
    return page.get_by_test_id("command").first


def choose_only(page: Page, entity: str) -> None:
    """Choose an entity, whichever part of the panel is open."""
    page.get_by_test_id("entity-search").fill(entity)
    page.locator(f'[data-testid="entity-row"][data-entity="{entity}"]').click()
    page.get_by_test_id("entity-search").fill("")
