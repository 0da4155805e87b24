"""The page while a process is frozen, and after it: every panel asks again at once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect

from nova.sdk import timestamps
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.testkit.running_nova import RunningNova
from tests.e2e.demo_screen import Screen, apart, screen_on
from tests.e2e.recorded_flight import publish, publish_now, second, update

pytestmark = pytest.mark.browser

FROZEN_MS = 40_000
BACK_MS = 20_000
BURST_EVENTS = 4_000
PANELS_ASK = {
    "discover",
    "latest",
    "getUiState",
    "query",
    "sample",
    "summary",
    "extent",
    "followAlarms",
}
"""What entities, values, cards, events, plots, timeline and alarms ask."""

UNANSWERED = """() => [...document.querySelectorAll('.pane-trouble')].map(one => one.textContent)
  .filter(text => text.includes('No answer'))"""


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A process that stands still within this."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("process", ["edge", "reader"])
def test_after_a_freeze_every_panel_asks_at_once(
    browser: Browser, shaken: RunningNova, process: str
) -> None:
    """Longer than a request waits for its reply, so that every panel has failed meanwhile."""
    added = Entity("bus", "power", f"after-{process}")
    with screen_on(browser, shaken.url, complaints=True) as screen:
        page = screen.page
        screen.expect_state("LIVE")
        page.get_by_test_id("plot-field").first.click()
        expect(page.get_by_test_id("plot-canvas")).to_be_visible()
        with frozen(shaken.child(process)):
            expect(page.get_by_test_id("panel-entities")).to_contain_text(
                "No answer", timeout=FROZEN_MS
            )
            apart(
                lambda: publish(
                    shaken.publish, lambda producer: [producer.observe(added).raw(b"frame")]
                )
            )
            sent = len(screen.sent)
        row = page.locator(f'[data-testid="entity-row"][data-entity="{added.unique_id}"]')
        expect(row).to_be_visible(timeout=BACK_MS)
        page.wait_for_function(f"() => ({UNANSWERED})().length === 0", timeout=BACK_MS)
        expect(page.get_by_test_id("banner")).to_be_hidden(timeout=BACK_MS)
        expect_asked(screen, sent)
        apart(lambda: publish_now(shaken.publish, 7001))
        screen.expect_count(7001)


def test_a_paused_plot_says_that_samples_are_behind_and_recovers(
    browser: Browser, shaken: RunningNova
) -> None:
    """Without a press: it asks again until the sampler has read everything."""
    first, last = timestamps.text(second(690)), timestamps.text(second(900))
    moment = f"t={timestamps.text(second(800))}&tb=source&from={first}&to={last}"
    with frozen(shaken.child("sampler")):
        apart(lambda: publish(shaken.publish, burst))
        with screen_on(browser, f"{shaken.url}/#{moment}") as screen:
            page = screen.page
            page.get_by_test_id("entity-row").filter(has_text="eps").click()
            page.get_by_test_id("plot-field").first.click()
            notice = page.get_by_test_id("plots-behind")
            expect(notice).to_contain_text("newest values may be missing", timeout=BACK_MS)
            screen.expect_state("PAUSED")
            os.kill(shaken.child("sampler"), signal.SIGCONT)
            expect(notice).to_be_hidden(timeout=FROZEN_MS)


def burst(producer: Producer) -> list[Event]:
    """More than a reader adds to samples by itself."""
    return [update(producer, number, second(700 + number / 50)) for number in range(BURST_EVENTS)]


def expect_asked(screen: Screen, since: int) -> None:
    """Every panel asks anew; one whose request the frozen process had gets that reply first."""
    end = time.monotonic() + BACK_MS / 1000
    while missing := PANELS_ASK - {str(message["type"]) for message in screen.sent[since:]}:
        assert time.monotonic() < end, missing
        screen.page.wait_for_timeout(100)
