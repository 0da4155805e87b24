"""The user's account in a real browser: sessions over tabs and reloads, a new password."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from nova.edge.edge_database import FILE_NAME
from nova.edge.session_store import SESSION_MAX_S
from nova.edge.user_store import UserStore
from nova.testkit.running_nova import PASSWORD, RunningNova
from tests.e2e.demo_page import log_in
from tests.e2e.demo_screen import new_context

pytestmark = pytest.mark.browser

NEW = "a password of my own"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser's cookies, which its tabs share."""
    context = new_context(browser)
    yield context
    context.close()


def add_user(nova: RunningNova, name: str, *, must_change: bool = False) -> None:
    """Add an operator with PASSWORD."""
    with UserStore(nova.data / "edge") as users:
        admin = users.get("admin")
        assert admin is not None
        assert users.add(name, admin.password_hash, "operator", must_change=must_change)


def shows_timeline(page: Page) -> None:
    expect(page.get_by_test_id("panels")).to_be_visible()


def test_a_session_is_of_the_browser_until_its_logout(
    context: BrowserContext, recorded: RunningNova
) -> None:
    """A reload and a new tab continue it; logging out in one ends it in the other."""
    first = context.new_page()
    log_in(first, recorded.url)
    shows_timeline(first)
    first.reload()
    shows_timeline(first)
    second = context.new_page()
    second.goto(recorded.url)
    shows_timeline(second)
    second.get_by_test_id("logout").click()
    expect(second.get_by_test_id("login-username")).to_be_visible()
    expect(first.get_by_test_id("login-error")).to_contain_text("session has ended")
    second.reload()
    expect(second.get_by_test_id("login-username")).to_be_visible()


def test_a_password_set_by_somebody_else_is_replaced_first(
    context: BrowserContext, recorded: RunningNova
) -> None:
    """Then the page continues; the old one opens nothing."""
    add_user(recorded, "ann", must_change=True)
    page = context.new_page()
    page.goto(recorded.url)
    fill_login(page, "ann", PASSWORD)
    expect(page.get_by_test_id("password-forced")).to_be_visible()
    fill_password(page, PASSWORD, NEW, NEW + "?")
    expect(page.get_by_test_id("password-error")).to_contain_text("differ")
    fill_password(page, "wrong", NEW, NEW)
    expect(page.get_by_test_id("password-error")).to_contain_text("current password is wrong")
    fill_password(page, PASSWORD, NEW, NEW)
    shows_timeline(page)
    page.get_by_test_id("logout").click()
    fill_login(page, "ann", PASSWORD)
    expect(page.get_by_test_id("login-error")).not_to_be_empty()
    fill_login(page, "ann", NEW)
    shows_timeline(page)


def test_another_session_is_listed_and_ended(browser: Browser, recorded: RunningNova) -> None:
    """By keyboard, from the account dialog."""
    add_user(recorded, "bob")
    here, there = new_context(browser), new_context(browser)
    pages = [context.new_page() for context in (here, there)]
    for page in pages:
        page.goto(recorded.url)
        fill_login(page, "bob", PASSWORD)
        shows_timeline(page)
    own, other = pages
    own.get_by_test_id("account-open").press("Enter")
    expect(own.get_by_test_id("sessions").locator("li")).to_have_count(2)
    own.get_by_role("button", name="End", exact=True).press("Enter")
    expect(own.get_by_test_id("sessions").locator("li")).to_have_count(1)
    expect(other.get_by_test_id("login-username")).to_be_visible()
    own.keyboard.press("Escape")
    expect(own.get_by_test_id("account")).to_have_count(0)
    here.close()
    there.close()


def test_a_session_warns_before_its_end_and_is_begun_again_in_place(
    context: BrowserContext, recorded: RunningNova
) -> None:
    """Nothing of the page is left by it."""
    page = context.new_page()
    log_in(page, recorded.url)
    expect(page.get_by_test_id("session-end")).to_have_count(0)
    end_in_an_hour(recorded, page)
    before = count_sessions(recorded)
    page.get_by_test_id("seek-input").fill("2026-01-01 00:02")
    page.get_by_test_id("seek-go").click()
    expect(page.get_by_test_id("session-end")).to_contain_text("ends in 60 min")
    other = context.new_page()
    other.goto(f"{recorded.url}/admin")
    expect(other.get_by_test_id("session-end")).to_contain_text("ends in 60 min")
    other.close()
    page.get_by_test_id("session-again").click()
    page.get_by_test_id("again-password").fill("wrong")
    page.get_by_test_id("again-submit").click()
    expect(page.get_by_test_id("login-again").get_by_role("alert")).to_contain_text("wrong")
    page.get_by_test_id("again-password").fill(PASSWORD)
    page.get_by_test_id("again-submit").click()
    expect(page.get_by_test_id("session-end")).to_have_count(0)
    expect(page.get_by_test_id("login-again")).to_have_count(0)
    expect(page.get_by_test_id("cursor")).to_have_attribute(
        "data-time", "2026-01-01T00:02:00.000000000Z"
    )
    while count_sessions(recorded) > before:  # The new one replaces that which was to end.
        page.wait_for_timeout(50)


def count_sessions(nova: RunningNova) -> int:
    with closing(sqlite3.connect(nova.data / "edge" / FILE_NAME)) as database:
        (count,) = database.execute("SELECT count(*) FROM sessions").fetchone()
    return int(count)


def end_in_an_hour(nova: RunningNova, page: Page) -> None:
    """Let the sessions have begun long ago, and the page hear of it as by a renewal."""
    with closing(sqlite3.connect(nova.data / "edge" / FILE_NAME)) as database, database:
        database.execute("UPDATE sessions SET started = ?", (time.time() - SESSION_MAX_S + 3_600,))
    page.evaluate("sessionStorage.clear()")
    page.reload()
    shows_timeline(page)


def fill_login(page: Page, name: str, password: str) -> None:
    page.get_by_test_id("login-username").fill(name)
    page.get_by_test_id("login-password").fill(password)
    page.get_by_test_id("login-submit").click()


def fill_password(page: Page, old: str, new: str, again: str) -> None:
    page.get_by_test_id("password-current").fill(old)
    page.get_by_test_id("password-new").fill(new)
    page.get_by_test_id("password-again").fill(again)
    page.get_by_test_id("password-submit").click()
