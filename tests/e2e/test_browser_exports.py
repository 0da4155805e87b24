"""Exports in a real browser: a range of the timeline becomes a zip with a digest."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from nova.core.server.export_jobs import TEMPORARY_PREFIX
from nova.edge.user_store import UserStore
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.endpoints import exports_folder
from nova.sdk.events.digest import EventDigest
from nova.sdk.field_types import Lane
from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.settings import Settings
from nova.sdk.timestamps import NS_PER_SECOND
from nova.testkit.running_nova import PASSWORD, RunningNova
from tests.e2e.demo_screen import Screen, apart, new_context
from tests.e2e.kept_screen import KeptScreen
from tests.e2e.recorded_flight import START_NS

pytestmark = pytest.mark.browser

SHOWN_MS = 60_000
SHOWN_S = SHOWN_MS / 1_000
LOOK_INTERVAL_S = 0.001
EXPORT_PROCESSES = Settings().export_processes
FIRST_NS = START_NS + 60 * NS_PER_SECOND
LAST_NS = START_NS + 120 * NS_PER_SECOND


@pytest.fixture
def screen(kept: KeptScreen, recorded: RunningNova) -> Iterator[Screen]:
    """A window on ten recorded minutes, with one of them selected."""
    at, until = timestamps.text(FIRST_NS), timestamps.text(LAST_NS)
    with kept.at(recorded.url, f"t={at}&state=paused&tb=source&sel={at}~{until}") as shown:
        expect(shown.page.get_by_test_id("selection")).to_be_visible()
        yield shown
        shown.page.keyboard.press("Escape")


def expected(nova: RunningNova, lane: Lane) -> list[bytes]:
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
    screen: Screen, recorded: RunningNova, tmp_path: Path
) -> None:
    """A-207, A-209, A-210: the zip holds what the query of that range finds, in its order."""
    page = screen.page
    page.get_by_test_id("export-open").click()
    expect(page.get_by_test_id("export-range")).to_have_value("selection")
    page.get_by_test_id("export-lane-ui").click()
    driver = page.locator('[data-testid="export-driver"] option[value^="jsonl@"]')
    expect(driver).to_have_count(1)
    page.get_by_test_id("export-driver").select_option(driver.get_attribute("value"))
    assert screen.serious("dialog") == []
    page.get_by_test_id("export-start").click()
    phase(page, "complete")
    assert screen.serious("dialog") == []
    with page.expect_download() as download:
        page.get_by_test_id("export-download").click()
    kept = tmp_path / "export.zip"
    download.value.save_as(kept)
    events = expected(recorded, "ui")
    assert events
    digest = EventDigest()
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


class HeldExport:
    """The processes of an export, stopped before they can have done anything."""

    def __init__(self, reader: int) -> None:
        self.processes: set[int] = set()
        self.are_all = threading.Event()
        self._reader = reader

    def look(self) -> None:
        """Stop those that are there by now."""
        for process in workers(self._reader) - self.processes:
            os.kill(process, signal.SIGSTOP)
            self.processes.add(process)
        if len(self.processes) >= EXPORT_PROCESSES:
            self.are_all.set()


def workers(reader: int) -> set[int]:
    """The processes that make exports for a reader."""
    found: set[int] = set()
    for task in Path(f"/proc/{reader}/task").iterdir():
        with contextlib.suppress(OSError):
            for child in (task / "children").read_text().split():
                if b"range-worker" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
                    found.add(int(child))
    return found


@contextmanager
def held(reader: int) -> Iterator[HeldExport]:
    """Stop all processes of exports that begin inside the block, as they begin."""
    holding, leaving = HeldExport(reader), threading.Event()

    def watch() -> None:
        while not leaving.wait(LOOK_INTERVAL_S):
            holding.look()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield holding
    finally:
        leaving.set()
        thread.join()
        for process in holding.processes & workers(reader):
            os.kill(process, signal.SIGCONT)


def test_a_running_export_is_given_up(screen: Screen, recorded: RunningNova) -> None:
    """A-209, pitfalls row 33: what is cancelled is said to be, ends with its processes and leaves
    nothing, neither a link nor a file; the next export is whole.
    """
    page, folder, reader = screen.page, exports_folder(recorded.data), recorded.child("reader")
    before = set(folder.glob("*"))
    page.get_by_test_id("export-open").click()
    with held(reader) as holding:
        page.get_by_test_id("export-start").click()
        phase(page, "running")
        assert holding.are_all.wait(SHOWN_S)
        (temporary,) = set(folder.glob("*")) - before
        assert temporary.name.startswith(TEMPORARY_PREFIX)
        expect(page.get_by_test_id("export-start")).to_be_disabled()
        assert screen.serious("dialog") == []
        page.get_by_test_id("export-cancel").click()
        phase(page, "cancelled")
        assert workers(reader) == set()
        assert set(folder.glob("*")) == before
    expect(page.get_by_test_id("export-job")).to_contain_text("cancelled")
    expect(page.get_by_test_id("export-cancel")).to_have_count(0)
    expect(page.get_by_test_id("export-download")).to_have_count(0)
    assert screen.serious("dialog") == []
    page.get_by_test_id("export-start").click()
    phase(page, "complete")
    expect(page.get_by_test_id("export-download")).to_be_visible()
    assert len([path for path in set(folder.glob("*")) - before if path.suffix == ".zip"]) == 1


def test_who_may_not_is_told(browser: Browser, recorded: RunningNova) -> None:
    """A-213: a viewer sees the dialog, and why there is nothing to press; Escape closes it."""
    users = UserStore(recorded.data / "edge")
    admin = users.get("admin")
    assert admin is not None
    assert users.add("guest", admin.password_hash, "viewer")
    users.close()
    context = new_context(browser)
    page = context.new_page()
    page.goto(recorded.url)
    page.get_by_test_id("login-username").fill("guest")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    opener = page.get_by_test_id("export-open")
    opener.press("Enter")
    expect(page.get_by_test_id("export")).to_be_visible()
    expect(page.get_by_test_id("export-start")).to_be_disabled()
    expect(page.get_by_test_id("export-reason")).to_contain_text("Your role")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("export")).to_have_count(0)
    expect(opener).to_be_focused()
    context.close()


def test_a_refusal_is_said(screen: Screen) -> None:
    """What the Core refuses is shown in its words, and the dialog can be used again."""
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
