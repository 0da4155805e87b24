"""A page of the demo, as the tests of its screen use it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from nova.testkit.running_nova import PASSWORD
from tests.e2e.held_session import hold_session

WIDTH, HEIGHT = 1280, 720
SHOWN_MS = 60_000


def log_in(page: Page, url: str) -> None:
    """Log in, and wait for the entities; a narrow screen has them behind a tab."""
    page.goto(url)
    page.get_by_test_id("login-username").fill("admin")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    _expect_entities(page)


def enter(page: Page, url: str) -> None:
    """Open an address as the admin, without the login's form, and wait for the same."""
    hold_session(page, url)
    page.goto(url)
    _expect_entities(page)


def _expect_entities(page: Page) -> None:
    expect(page.get_by_test_id("panels")).to_be_visible()
    if page.get_by_test_id("tab-entities").is_visible():
        page.get_by_test_id("tab-entities").click()
    expect_loaded(page)


def expect_loaded(page: Page) -> None:
    """Wait for the entities, and for what is loaded behind the first view: keys and dialogs too."""
    expect(page.get_by_test_id("entity-row").first).to_be_visible(timeout=SHOWN_MS)
    expect(page.get_by_test_id("state")).to_be_attached(timeout=SHOWN_MS)


def reload_own(page: Page) -> None:
    """Load the page again without the view of its address, which follows a second late: what the
    browser keeps for its user is shown.
    """
    page.evaluate("history.replaceState(null, '', '/')")
    page.reload()
    expect_loaded(page)


def choose(page: Page, entity: str) -> None:
    """Choose an entity of the tree."""
    page.locator(f'[data-testid="entity-row"][data-entity="{entity}"]').click()


def clear_plots(page: Page) -> None:
    """Take away the plots that the demo opens on."""
    expect(page.get_by_test_id("remove-plot").first).to_be_visible(timeout=SHOWN_MS)
    while page.get_by_test_id("remove-plot").count():
        page.get_by_test_id("remove-plot").first.click()
