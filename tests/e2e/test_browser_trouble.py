"""The page when it is disconnected, too slow, refused or empty: it reports that and recovers."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from nova.sdk import timestamps
from nova.sdk.producer.producer import Producer
from nova.sdk.timestamps import NS_PER_SECOND
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import RunningNova, running_nova
from tests.e2e.demo_screen import Screen, apart, new_context, screen_on
from tests.e2e.kept_screen import KeptScreen
from tests.e2e.recorded_flight import EPS, SCOPE, SECONDS, publish_now, second

pytestmark = pytest.mark.browser

STALE_MS = 10_000
UNANSWERED_MS = 40_000
BACK_MS = 20_000


def test_after_the_edge_was_killed_all_goes_on(browser: Browser, shaken: RunningNova) -> None:
    """LIVE continues behind the last event, a replay from where the clock is, without a reload."""
    live = f"{shaken.url}/#state=live&tb=canonical"
    with screen_on(browser, live, complaints=True) as screen:
        screen.expect_state("LIVE")
        apart(lambda: publish_now(shaken.publish, 5001))
        screen.expect_count(5001)
        os.kill(shaken.child("edge"), signal.SIGKILL)
        expect(screen.page.get_by_test_id("banner")).to_contain_text("The connection is lost")
        apart(lambda: publish_now(shaken.publish, 5002))
        screen.expect_count(5002)
        screen.expect_state("LIVE")
        assert screen.starts()[-1]["afterKey"]
        expect(screen.page.get_by_test_id("missed-note")).to_be_hidden()

        screen.page.get_by_test_id("replay").click()
        screen.page.get_by_test_id("timebase").select_option("source")
        expect(screen.page).to_have_url(re.compile("tb=source"))
        screen.seek(second(10))
        screen.page.get_by_test_id("play").click()
        screen.wait_for_cursor("after", second(11))
        os.kill(shaken.child("edge"), signal.SIGKILL)
        expect(screen.page.get_by_test_id("banner")).to_contain_text("The connection is lost")
        reached = screen.cursor_ns()
        screen.wait_for_cursor("after", reached + NS_PER_SECOND)
        screen.expect_state("PLAYING")
        resumed = screen.starts()[-1]["startTime"]
        assert isinstance(resumed, str) and timestamps.parse(resumed) == reached

        screen.page.keyboard.press("l")
        screen.expect_state("LIVE")
        screen.wait_for_cursor("after", second(SECONDS))
        os.kill(shaken.child("edge"), signal.SIGKILL)
        expect(screen.page.get_by_test_id("missed-note")).to_contain_text("is in the archive")
        screen.expect_state("LIVE")


def boxes(screen: Screen) -> object:
    """Where every panel and every control is, to the pixel, but for the one that only a replay has
    (it may move no other).
    """
    return screen.page.evaluate(
        "() => [...document.querySelectorAll('.pane, .strip, .header button, .controls button,"
        ".controls select, .controls input')].filter((one) => one.dataset.testid !== 'alarms-now')"
        ".map((one) => { const at ="
        " one.getBoundingClientRect();"
        "return [one.dataset.testid ?? one.className, at.x, at.y, at.width, at.height]; })"
    )


def test_nothing_moves_whatever_the_state(browser: Browser, shaken: RunningNova) -> None:
    """No layout shift: LIVE, paused, playing and cut off, all is where it was."""
    with screen_on(browser, shaken.url, complaints=True) as screen:
        screen.expect_state("LIVE")
        expect(screen.page.get_by_test_id("alarms-chip")).to_contain_text("No alarms")
        before = boxes(screen)
        screen.page.get_by_test_id("replay").click()
        screen.expect_state("PAUSED")
        assert boxes(screen) == before
        screen.seek(second(10))
        screen.expect_count(10)
        screen.page.get_by_test_id("play").click()
        screen.expect_state("PLAYING")
        assert boxes(screen) == before
        os.kill(shaken.child("edge"), signal.SIGKILL)
        expect(screen.page.get_by_test_id("banner")).to_be_visible()
        assert boxes(screen) == before
        expect(screen.page.get_by_test_id("banner")).to_be_hidden(timeout=BACK_MS)


def clipped_px(screen: Screen, width: int) -> object:
    """How much of the banner's text lies outside of its box, in a window of a width."""
    before = screen.page.viewport_size
    assert before is not None
    screen.page.set_viewport_size({"width": width, "height": before["height"]})
    found: object = screen.page.get_by_test_id("banner").evaluate(
        "(of) => Math.max(0, of.scrollHeight - of.clientHeight)"
        " + Math.max(0, of.scrollWidth - of.clientWidth)"
    )
    screen.page.set_viewport_size(before)
    return found


def assert_nothing_is_known(screen: Screen) -> None:
    """Nothing of the present is shown as good, or as of now."""
    page = screen.page
    expect(page.get_by_test_id("links-health")).to_have_attribute("data-health", "unknown")
    expect(page.get_by_test_id("card-age").first).to_have_text("?")
    expect(page.get_by_test_id("value-age").first).to_contain_text("?")


def test_a_core_that_stands_still_is_not_shown_as_live(
    kept: KeptScreen, shaken: RunningNova
) -> None:
    """Pitfalls row 10: the page soon says that it may not be live, and each part of it that it has
    no answer; afterwards all of that is gone.
    """
    with kept.at(shaken.url) as screen:
        screen.expect_state("LIVE")
        banner = screen.page.get_by_test_id("banner")
        reader = shaken.child("reader")
        os.kill(reader, signal.SIGSTOP)
        try:
            expect(banner).to_contain_text("Core does not answer", timeout=STALE_MS)
            assert [clipped_px(screen, width) for width in (1600, 1280, 1110)] == [0, 0, 0]
            expect(screen.page.get_by_test_id("alarms-chip")).to_contain_text("not judged")
            expect(screen.page.get_by_test_id("fresh").first).to_have_attribute(
                "data-freshness", "pending"
            )
            assert_nothing_is_known(screen)
            expect(screen.page.get_by_test_id("missed-note")).to_be_hidden()
            apart(lambda: publish_now(shaken.publish, 6001))
            unanswered = screen.page.get_by_test_id("strip-trouble")
            expect(unanswered).to_contain_text("cannot be shown", timeout=UNANSWERED_MS)
            expect(screen.page.get_by_test_id("panel-inspector")).to_contain_text("No answer")
            assert screen.serious() == []
        finally:
            os.kill(reader, signal.SIGCONT)
        screen.expect_count(6001)
        expect(unanswered).to_be_hidden(timeout=BACK_MS)
        expect(banner).to_be_hidden()
        screen.expect_state("LIVE")


def test_a_writer_that_stands_still_is_said(kept: KeptScreen, shaken: RunningNova) -> None:
    """The past is served meanwhile, and it goes by itself."""
    with kept.at(shaken.url, complaints=True) as screen:
        screen.expect_state("LIVE")
        banner, writer = screen.page.get_by_test_id("banner"), shaken.child("writer")
        os.kill(writer, signal.SIGSTOP)
        try:
            expect(banner).to_contain_text("writer is away", timeout=STALE_MS)
        finally:
            os.kill(writer, signal.SIGCONT)
        expect(banner).to_be_hidden(timeout=BACK_MS)
        apart(lambda: publish_now(shaken.publish, 6001))
        screen.expect_count(6001)


def test_a_reader_that_died_is_said_to_be_away(kept: KeptScreen, shaken: RunningNova) -> None:
    """The edge answers and the Core does not: that is another banner, and it goes by itself."""
    with kept.at(shaken.url, complaints=True) as screen:
        screen.expect_state("LIVE")
        banner = screen.page.get_by_test_id("banner")
        os.kill(shaken.child("reader"), signal.SIGKILL)
        expect(banner).to_contain_text(re.compile("Core does not answer|connection is lost"))
        apart(lambda: publish_now(shaken.publish, 6002))
        screen.expect_count(6002)
        expect(banner).to_be_hidden(timeout=BACK_MS)


def test_an_edge_that_hangs_is_said_to_give_no_answer(
    kept: KeptScreen, shaken: RunningNova
) -> None:
    """Also on a page that is paused, where nothing moves, and until the edge answers again."""
    with kept.at(shaken.url, complaints=True) as screen:
        screen.expect_state("LIVE")
        screen.page.get_by_test_id("replay").click()
        screen.expect_state("PAUSED")
        banner, edge = screen.page.get_by_test_id("banner"), shaken.child("edge")
        expect(banner).to_be_hidden()
        os.kill(edge, signal.SIGSTOP)
        try:
            expect(banner).to_contain_text(re.compile(r"No answer from the server for \d+ s"))
            expect(screen.page.get_by_test_id("panels")).to_have_class(re.compile("away"))
        finally:
            os.kill(edge, signal.SIGCONT)
        expect(banner).to_be_hidden(timeout=BACK_MS)
        expect(screen.page.get_by_test_id("panels")).not_to_have_class(re.compile("away"))


def test_a_link_to_an_event_that_is_not_there_says_so(
    browser: Browser, shaken: RunningNova
) -> None:
    """The moment is opened all the same, and the panel of events says what is missing."""
    at = timestamps.text(second(20))
    with screen_on(browser, f"{shaken.url}/#at={at}&event={'0' * 64}") as screen:
        screen.expect_cursor(second(20))
        panel = screen.page.get_by_test_id("panel-inspector")
        expect(panel).to_contain_text("There is no event 000000000000")
        expect(panel.get_by_test_id("event-row").first).to_be_visible()


def test_an_empty_archive_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    """The first thing that anyone sees of a new NOVA says what to do next."""
    with running_nova(tmp_path / "data", "--scope", "sat") as nova:
        context = new_context(browser)
        screen = Screen(context)
        screen.page.goto(nova.url)
        screen.log_in()
        expect(screen.page.get_by_test_id("strip-empty")).to_contain_text("nova produce")
        apart(lambda: publish_now(nova.publish, 1))
        expect(screen.page.get_by_test_id("strip-empty")).to_be_hidden()
        context.close()
        assert screen.complaints == []
        nova.kill()


BURST_EVENTS = 20_000
BURST_PADDING = "x" * 2_000
"""More bytes than all buffers between the Core and a busy browser hold."""
BUSY_S = 12.0
NOTE_GOES_MS = 30_000


async def publish_burst(url: str) -> None:
    """More than a browser gets that is busy with something else; the last counts highest."""
    transport = connect(url)
    producer = Producer(transport, SCOPE)
    for first in range(0, BURST_EVENTS, 1000):
        counts = range(first, first + 1000)
        data = [{"count": count + 1, "padding": BURST_PADDING} for count in counts]
        await producer.send([producer.observe(EPS).ui("battery", "battery", "1", d) for d in data])
    await transport.close()


def block_page(screen: Screen, until: Callable[[], object]) -> None:
    """Let the page do nothing but wait for one reply, as if it were busy; returns when `until` has
    returned and `BUSY_S` have passed.
    """

    def reply(route: Route) -> None:
        least = threading.Timer(BUSY_S, lambda: None)
        least.start()
        until()
        least.join()
        route.fulfill(body="")

    screen.page.route("**/blocking", reply)
    screen.page.evaluate(
        "() => { const request = new XMLHttpRequest(); request.open('GET', '/blocking', false);"
        "request.send(); }"
    )


@pytest.mark.slow
def test_a_browser_that_is_too_slow_is_told_what_it_does_not_get(
    browser: Browser, shaken: RunningNova
) -> None:
    """What is dropped is named, until when too; what is shown in the end is the present, then the
    note goes away.
    """
    with screen_on(browser, shaken.url) as screen, ThreadPoolExecutor(1) as thread:
        screen.expect_state("LIVE")
        expect(screen.page.get_by_test_id("behind-sign")).to_be_hidden()
        burst = thread.submit(lambda: asyncio.run(publish_burst(shaken.publish)))
        block_page(screen, burst.result)
        note, sign = (screen.page.get_by_test_id(f"behind-{part}") for part in ("note", "sign"))
        expect(note).to_contain_text(re.compile(r"[\d,]+ events received from .* were not sent"))
        screen.expect_count(BURST_EVENTS)
        screen.expect_state("LIVE")
        expect(sign).to_have_text("was behind")
        expect(note).to_be_hidden(timeout=NOTE_GOES_MS)
        sign.click()
        expect(note).to_contain_text("Was behind.")
        note.get_by_role("button").click()
        expect(note).to_be_hidden()
        expect(sign).to_be_hidden()
