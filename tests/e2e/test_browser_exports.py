"""Exports in a real browser: a range of the timeline becomes a zip that proves itself (issue 8)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from edge.users import UserStore
from sdk import timestamps
from sdk.client import Client
from sdk.digest import Digest
from sdk.envelope import Lane
from sdk.protocol import Filters, Query
from sdk.testing.instance import PASSWORD, Nova
from sdk.timestamps import NS_PER_SECOND
from tests.e2e.recorded import START_NS
from tests.e2e.screen import Screen, apart, screen_on

pytestmark = pytest.mark.browser

SHOWN_MS = 60_000
FIRST_NS = START_NS + 60 * NS_PER_SECOND
LAST_NS = START_NS + 120 * NS_PER_SECOND


@pytest.fixture
def screen(browser: Browser, recorded: Nova) -> Iterator[Screen]:
    """A window on ten recorded minutes, with one of them selected."""
    with screen_on(browser, recorded.url) as shown:
        at, until = timestamps.text(FIRST_NS), timestamps.text(LAST_NS)
        moment = f"t={at}&state=paused&tb=source&sel={at}~{until}"
        shown.page.evaluate("hash => { location.hash = hash; }", moment)
        expect(shown.page.get_by_test_id("selection")).to_be_visible()
        yield shown


def expected(nova: Nova, lane: Lane) -> list[bytes]:
    """What the same query finds."""

    async def asked() -> list[bytes]:
        query = Query(
            start_time=timestamps.text(FIRST_NS),
            stop_time=timestamps.text(LAST_NS),
            timebase="source",
            filters=Filters(lanes=[lane]),
        )
        async with await Client.to_core(nova.data) as client:
            return [bytes(event) async for event in client.query(query)]

    return apart(asked)


def phase(page: Page, name: str) -> None:
    """Wait until the export is so far."""
    job = page.get_by_test_id("export-job")
    expect(job).to_have_attribute("data-phase", name, timeout=SHOWN_MS)


def test_a_selection_is_exported_downloaded_and_proved(
    screen: Screen, recorded: Nova, tmp_path: Path
) -> None:
    """A-207, A-209, A-210: the zip holds what the query of that range finds, in its order."""
    page = screen.page
    page.get_by_test_id("export-open").click()
    expect(page.get_by_test_id("export-range")).to_have_value("selection")
    page.get_by_test_id("export-lane-ui").click()
    driver = page.locator('[data-testid="export-driver"] option[value^="jsonl@"]')
    expect(driver).to_have_count(1)
    page.get_by_test_id("export-driver").select_option(driver.get_attribute("value"))
    assert screen.serious() == []
    page.get_by_test_id("export-start").click()
    phase(page, "complete")
    assert screen.serious() == []
    with page.expect_download() as download:
        page.get_by_test_id("export-download").click()
    kept = tmp_path / "export.zip"
    download.value.save_as(kept)
    events = expected(recorded, "ui")
    assert events
    digest = Digest()
    digest.add(events)
    assert page.get_by_test_id("export-digest").get_attribute("data-digest") == digest.text()
    with zipfile.ZipFile(kept) as archive:
        about = msgspec.json.decode(archive.read("export.json"), type=dict[str, object])
        lines = [
            line
            for name in archive.namelist()
            if name.endswith(".jsonl")
            for line in archive.read(name).splitlines()
        ]
    assert about["digest"] == digest.text()
    assert sorted(lines) == sorted(events)


def test_who_may_not_is_told(browser: Browser, recorded: Nova) -> None:
    """A-213: a viewer sees the dialog, and why there is nothing to press; Escape closes it."""
    users = UserStore(recorded.data / "edge")
    admin = users.get("admin")
    assert admin is not None
    assert users.add("guest", admin.password_hash, "viewer")
    users.close()
    page = browser.new_page()
    page.goto(recorded.url)
    page.get_by_test_id("login-username").fill("guest")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    opener = page.get_by_test_id("export-open")
    opener.press("Enter")
    expect(page.get_by_test_id("export-start")).to_be_disabled()
    expect(page.get_by_test_id("export-reason")).to_contain_text("operators and admins")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("export")).to_have_count(0)
    expect(opener).to_be_focused()
    page.close()


def test_a_refusal_is_said(screen: Screen) -> None:
    """What the Core refuses is told in its words, and the dialog can be used again."""
    page = screen.page
    page.get_by_test_id("export-open").click()
    expect(page.locator('[data-testid="export-driver"] option[value^="jsonl@"]')).to_have_count(1)
    page.evaluate(
        "() => { const one = document.querySelector('[data-testid=export-driver]');"
        "one.options[1].value = 'nothing@1.0.0'; }"
    )
    page.get_by_test_id("export-driver").select_option("nothing@1.0.0")
    page.get_by_test_id("export-start").click()
    phase(page, "failed")
    expect(page.get_by_test_id("export-job")).to_contain_text("nothing")
    expect(page.get_by_test_id("export-start")).to_be_enabled()
