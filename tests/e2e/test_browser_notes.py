"""Notes in a real browser: written about what is looked at, marked on the timeline, found again."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from nova.sdk import timestamps
from nova.sdk.timestamps import NS_PER_SECOND
from nova.testkit.running_nova import RunningNova
from tests.e2e.demo_screen import Screen, screen_on

pytestmark = pytest.mark.browser

SHOWN_MS = 30_000
LENGTH_NS = 20 * NS_PER_SECOND
PANEL = "[data-testid=panel-notes]"


def test_a_note_on_a_range_leads_there_and_is_changed_and_withdrawn(
    browser: Browser, demo: RunningNova
) -> None:
    """It is begun while looking back, saved in LIVE, marked on the timeline, and holds a link."""
    with screen_on(browser, demo.url) as screen:
        page = screen.page
        open_notes(screen)
        at = screen.cursor_ns() // NS_PER_SECOND * NS_PER_SECOND - 60 * NS_PER_SECOND
        screen.seek(at)
        page.keyboard.press("[")
        end = at + LENGTH_NS
        screen.seek(end)
        page.keyboard.press("]")
        page.get_by_test_id("note-input").fill("battery dip https://elsewhere.example/#t=1")
        expect(page.get_by_test_id("note-about")).to_contain_text(f"{clock(at)}.000 + 20")
        expect(page.get_by_test_id("note-save")).to_be_disabled()
        expect(page.get_by_test_id("note-refusal")).to_contain_text("What is written here is kept")
        page.get_by_test_id("note-link").click()
        expect(page.get_by_test_id("note-input")).to_have_value(re.compile(r"\n" + demo.url))
        page.get_by_test_id("note-live").click()
        screen.expect_state("LIVE")
        page.get_by_test_id("note-save").click()
        note = page.get_by_test_id("note").filter(has_text="battery dip")
        expect(note).to_contain_text("admin", timeout=SHOWN_MS)
        expect(page.get_by_test_id("note-input")).to_have_value("")
        mark = page.get_by_test_id("marks").locator('[data-kind="note"]')
        expect(mark.filter(has_text="battery dip")).to_have_count(1)
        assert screen.serious(PANEL) == []
        links = note.get_by_test_id("note-text").locator("a")
        expect(links).to_have_count(1)
        note.get_by_test_id("note-go").click()
        screen.expect_state("PAUSED")
        screen.expect_cursor(at)
        first, last = screen.span_ns()
        assert at - NS_PER_SECOND < first < at < end < last < end + NS_PER_SECOND
        links.click()
        screen.expect_cursor(end)

        page.get_by_test_id("live").click()
        note.get_by_test_id("note-edit").click()
        page.get_by_test_id("note-input").fill("battery low")
        page.get_by_test_id("note-save").click()
        expect(note).to_have_count(0, timeout=SHOWN_MS)
        changed = page.get_by_test_id("note").filter(has_text="battery low")
        expect(changed).to_contain_text("changed")
        page.get_by_test_id("timebase").select_option("canonical")
        page.get_by_test_id("replay").click()
        screen.expect_state("PAUSED")
        screen.seek(at)
        expect(changed).to_contain_text("written later")
        page.get_by_test_id("live").click()
        expect(changed).not_to_contain_text("written later")
        changed.get_by_test_id("note-withdraw").click()
        changed.get_by_test_id("note-withdraw-yes").click()
        expect(changed).to_have_count(0, timeout=SHOWN_MS)


def open_notes(screen: Screen) -> None:
    """Add the panel by the finder, and maximise it."""
    page = screen.page
    page.keyboard.press("Control+k")
    page.get_by_test_id("finder-input").fill("new panel notes")
    expect(page.get_by_test_id("finder-option").first).to_contain_text("Notes")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("note-input")).to_be_attached()
    page.locator(PANEL).locator("h2").dblclick()
    expect(page.get_by_test_id("panel-chat")).to_be_hidden()


def clock(at_ns: int) -> str:
    return timestamps.text(at_ns)[11:19]
