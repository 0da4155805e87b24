"""The timeline in a real browser on a real NOVA: every way to move in time."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from sdk import timestamps
from sdk.client import Client
from sdk.observation import Entity
from sdk.producer import Producer
from sdk.protocol import Filters, Query
from sdk.testing.browser import running_browser
from sdk.testing.instance import Nova, running_nova
from sdk.timestamps import NS_PER_SECOND
from sdk.transport.base import connect
from tests.e2e.screen import Screen, apart, screen_on

pytestmark = pytest.mark.browser

EPS = Entity("bus", "power", "eps")
START_NS = timestamps.parse("2026-01-01T00:00:00Z")
SECONDS = 600
QUIET = range(360, 480)
"""Seconds in which nothing happens."""


def second(count: float) -> int:
    """A time of the recording."""
    return START_NS + round(count * NS_PER_SECOND)


async def publish_history(url: str) -> None:
    """Ten minutes of one unit, once a second, with two minutes of silence."""
    transport = connect(url)
    producer = Producer(transport, "sat")
    events = []
    for count in range(SECONDS):
        if count in QUIET:
            continue
        observed = producer.observe(EPS, second(count))
        events += [observed.raw(count.to_bytes(4, "big"))]
        events += [observed.ui("battery", "battery", "1", {"count": count, "volts": 7.5})]
    await producer.send(events)
    await transport.close()


async def publish_now(url: str, count: int) -> None:
    """One event of the present."""
    transport = connect(url)
    producer = Producer(transport, "sat")
    await producer.send([producer.observe(EPS).ui("battery", "battery", "1", {"count": count})])
    await transport.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests of this file."""
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nova]:
    """A NOVA whose archive holds ten minutes of the past."""
    with running_nova(tmp_path_factory.mktemp("recorded") / "data", "--scope", "sat") as running:
        apart(lambda: publish_history(running.publish))
        yield running


@pytest.fixture
def present(tmp_path: Path) -> Iterator[Nova]:
    """Such a NOVA of one's own, for tests that add to its archive."""
    with running_nova(tmp_path / "data", "--scope", "sat") as running:
        apart(lambda: publish_history(running.publish))
        yield running


@pytest.fixture
def screen(browser: Browser, recorded: Nova) -> Iterator[Screen]:
    """A window that is paused in the middle of the recording, which it shows as a whole."""
    at, first, last = (timestamps.text(second(count)) for count in (120, -30, 630))
    with screen_on(browser, f"{recorded.url}/#t={at}&tb=source&from={first}&to={last}") as screen:
        screen.expect_state("PAUSED")
        screen.expect_cursor(second(120))
        yield screen


def expect_count(screen: Screen, count: int) -> None:
    """Wait until the panel of values shows what was true at a second of the recording."""
    row = screen.page.locator('[data-testid="latest-row"][data-key="count"] td')
    expect(row).to_have_text(str(count))


def test_scrubbing_shows_the_state_at_the_cursor(screen: Screen) -> None:
    """A-155, A-160: the cursor follows the pointer, the panels show what was known there."""
    screen.show(second(100), second(300))
    y = screen.axis_y()
    screen.page.mouse.move(screen.x_of(second(120)), y)
    screen.page.mouse.down()
    for count in range(120, 296, 5):
        screen.page.mouse.move(screen.x_of(second(count)), y)
    target = screen.time_at(round(screen.x_of(second(250.5))))
    screen.page.mouse.move(round(screen.x_of(second(250.5))), y)
    screen.page.mouse.up()
    screen.expect_state("PAUSED")
    assert abs(screen.cursor_ns() - target) < NS_PER_SECOND
    expect_count(screen, 250)
    assert screen.starts() == []


def test_a_click_goes_there_and_a_double_click_shows_everything(screen: Screen) -> None:
    """The cursor is where the click was; a double click changes what is seen, not the clock."""
    screen.show(second(280), second(320))
    screen.page.mouse.click(round(screen.x_of(second(300.5))), screen.middle_y())
    expect_count(screen, 300)
    at = screen.cursor_ns()
    screen.show(second(290), second(310))
    screen.page.mouse.dblclick(screen.x_of(second(295)), screen.middle_y())
    expect(screen.page.get_by_test_id("seen")).to_contain_text("10.6 min")
    assert screen.cursor_ns() == at


def test_the_wheel_zooms_around_the_pointer_and_dragging_pans(screen: Screen) -> None:
    """What is under the pointer stays there; the number of events in view is the archive's."""
    x = round(screen.x_of(second(200)))
    y = screen.middle_y()
    there, (first, last) = screen.time_at(x), screen.span_ns()
    screen.page.mouse.move(x, y)
    screen.page.mouse.wheel(0, -600)
    screen.page.wait_for_function(
        "was => document.querySelector('[data-testid=timeline]').dataset.start !== was",
        arg=timestamps.text(first),
    )
    near_first, near_last = screen.span_ns()
    assert near_last - near_first < (last - first) / 2
    assert abs(screen.time_at(x) - there) < NS_PER_SECOND / 100
    screen.page.mouse.down()
    screen.page.mouse.move(x - 100, y, steps=5)
    screen.page.mouse.up()
    assert abs(screen.time_at(x - 100) - there) < NS_PER_SECOND
    screen.show(second(-0.5), second(359.5))
    expect(screen.page.get_by_test_id("seen")).to_have_text("6 min · 720 events")


def test_rates_and_directions(screen: Screen) -> None:
    """A-156: a rate is asked of the server, a turn plays backwards from where the clock is."""
    screen.page.get_by_test_id("rate").select_option("60")
    screen.page.keyboard.press("Space")
    screen.expect_state("PLAYING")
    screen.wait_for_cursor("after", second(150))
    assert screen.starts()[-1]["rate"] == 60
    screen.page.get_by_test_id("rate").select_option("10")
    screen.page.keyboard.press("r")
    turned = screen.cursor_ns()
    screen.wait_for_cursor("before", turned - 5 * NS_PER_SECOND)
    assert screen.starts()[-1]["rate"] == -10
    screen.expect_state("PLAYING")
    screen.page.get_by_test_id("rate").select_option("max")
    screen.expect_state("PAUSED")
    assert screen.cursor_ns() == second(0)


def test_a_selection_is_looped_in_both_directions(screen: Screen) -> None:
    """The clock never leaves the selection, and comes back to where it began."""
    screen.show(second(190), second(240))
    y = screen.middle_y()
    screen.page.mouse.move(screen.x_of(second(200)), y)
    screen.page.keyboard.down("Shift")
    screen.page.mouse.down()
    screen.page.mouse.move(screen.x_of(second(230)), y, steps=4)
    screen.page.mouse.up()
    screen.page.keyboard.up("Shift")
    expect(screen.page.get_by_test_id("selection")).to_contain_text("30 s")
    screen.page.keyboard.press("o")
    screen.page.get_by_test_id("rate").select_option("10")
    screen.seek(second(225))
    screen.page.get_by_test_id("play").click()
    screen.wait_for_cursor("before", second(215))
    screen.wait_for_cursor("after", second(220))
    screen.page.keyboard.press("r")
    screen.wait_for_cursor("before", second(210))
    screen.wait_for_cursor("after", second(220))
    assert second(199) <= screen.cursor_ns() <= second(231)
    screen.expect_state("PLAYING")


def test_steps_go_from_event_to_event(screen: Screen) -> None:
    """Arrows and buttons stop exactly at the events, whatever lies between them."""
    screen.seek(second(359.5))
    screen.page.keyboard.press("ArrowRight")
    screen.expect_cursor(second(480))
    expect_count(screen, 480)
    screen.page.keyboard.press("ArrowLeft")
    screen.expect_cursor(second(359))
    screen.page.get_by_test_id("step-previous").click()
    screen.expect_cursor(second(358))
    expect_count(screen, 358)
    screen.page.keyboard.press("End")
    screen.expect_cursor(second(SECONDS - 1))
    screen.page.keyboard.press("ArrowRight")
    expect(screen.page.get_by_test_id("hint")).to_have_text("There is no later event.")


def test_gaps_are_jumped_over_where_that_is_wanted(screen: Screen) -> None:
    """Two minutes of silence are over at once, and nothing of what follows is missed."""
    screen.page.get_by_test_id("skip").click()
    screen.seek(second(358))
    screen.page.get_by_test_id("play").click()
    screen.wait_for_cursor("after", second(479.5))
    screen.wait_for_cursor("after", second(481))
    screen.expect_state("PLAYING")
    jumped = screen.starts()[-1]["startTime"]
    assert isinstance(jumped, str)
    assert second(479) < timestamps.parse(jumped) < second(480)


def test_live_replay_and_live_again_are_explicit(browser: Browser, present: Nova) -> None:
    """A-158, A-159: one state at a time, and nothing goes LIVE by itself."""
    with screen_on(browser, present.url) as screen:
        screen.expect_state("LIVE")
        assert screen.starts()[-1]["timelineMode"] == "LIVE"
        apart(lambda: publish_now(present.publish, 4711))
        expect_count(screen, 4711)
        screen.page.get_by_test_id("replay").click()
        screen.expect_state("PAUSED")
        screen.seek(second(SECONDS - 2))
        expect_count(screen, SECONDS - 2)
        screen.page.get_by_test_id("rate").select_option("max")
        screen.page.get_by_test_id("play").click()
        screen.wait_for_cursor("after", second(SECONDS))
        screen.expect_state("PAUSED")
        screen.page.keyboard.press("l")
        screen.expect_state("LIVE")
        expect_count(screen, 4711)


async def received_at(data: Path, source_ns: int) -> str:
    """When the Core received the events that were made at a time."""
    at = timestamps.text(source_ns)
    query = Query(start_time=at, stop_time=at, timebase="source", filters=Filters(lanes=["ui"]))
    async with await Client.to_core(data) as client:
        (event,) = [json.loads(stored) async for stored in client.query(query)]
    return str(event["canonicalTruthTime"])


def test_the_other_clock_keeps_the_event_under_the_cursor(screen: Screen, recorded: Nova) -> None:
    """A-157: the same event, by when it was received and by when it was made."""
    screen.seek(second(250.4))
    expect_count(screen, 250)
    received = apart(lambda: received_at(recorded.data, second(250)))
    expect(screen.page.get_by_test_id("other-time")).to_have_attribute("data-time", received)
    screen.page.get_by_test_id("timebase").select_option("canonical")
    screen.expect_cursor(timestamps.parse(received))
    expect_count(screen, 250)
    screen.page.keyboard.press("t")
    screen.expect_cursor(second(250))
    expect_count(screen, 250)


def test_a_shared_address_opens_the_same_moment(
    browser: Browser, recorded: Nova, screen: Screen
) -> None:
    """Whoever opens the link sees what the sender saw, after logging in."""
    screen.show(second(100), second(200))
    screen.seek(second(150.25))
    screen.page.keyboard.press("[")
    screen.page.get_by_test_id("rate").select_option("5")
    screen.page.keyboard.press("r")
    expect(screen.page).to_have_url(re.compile("dir=back.*sel="))
    with screen_on(browser, screen.page.url) as other:
        other.expect_cursor(second(150.25))
        other.expect_state("PAUSED")
        assert other.span_ns() == screen.span_ns()
        expect(other.page.get_by_test_id("rate")).to_have_value("5")
        expect(other.page.get_by_test_id("direction")).to_have_attribute("aria-pressed", "true")
        expect(other.page.get_by_test_id("selection")).to_be_visible()
        expect_count(other, 150)


def test_two_browsers_are_independent(browser: Browser, recorded: Nova, screen: Screen) -> None:
    """A-144, A-164: what one does moves nothing in the other."""
    with screen_on(browser, recorded.url) as other:
        other.expect_state("LIVE")
        screen.page.get_by_test_id("play").click()
        screen.expect_state("PLAYING")
        screen.wait_for_cursor("after", second(121))
        other.expect_state("LIVE")
        other.page.get_by_test_id("replay").click()
        other.seek(second(30))
        screen.expect_state("PLAYING")
        assert screen.cursor_ns() > second(121)


def test_after_the_edge_was_killed_all_goes_on(browser: Browser, present: Nova) -> None:
    """LIVE goes on behind the last event, a replay from where the clock is, without a reload."""
    live = f"{present.url}/#state=live&tb=canonical"
    with screen_on(browser, live, complaints=True) as screen:
        screen.expect_state("LIVE")
        apart(lambda: publish_now(present.publish, 5001))
        expect_count(screen, 5001)
        os.kill(present.child("edge"), signal.SIGKILL)
        expect(screen.page.get_by_test_id("banner")).to_contain_text("The connection is lost")
        apart(lambda: publish_now(present.publish, 5002))
        expect_count(screen, 5002)
        screen.expect_state("LIVE")
        assert screen.starts()[-1]["afterKey"]
        expect(screen.page.get_by_test_id("missed-note")).to_be_hidden()

        screen.page.get_by_test_id("replay").click()
        screen.page.get_by_test_id("timebase").select_option("source")
        expect(screen.page).to_have_url(re.compile("tb=source"))
        screen.seek(second(10))
        screen.page.get_by_test_id("play").click()
        screen.wait_for_cursor("after", second(11))
        os.kill(present.child("edge"), signal.SIGKILL)
        expect(screen.page.get_by_test_id("banner")).to_contain_text("The connection is lost")
        reached = screen.cursor_ns()
        screen.wait_for_cursor("after", reached + NS_PER_SECOND)
        screen.expect_state("PLAYING")
        resumed = screen.starts()[-1]["startTime"]
        assert isinstance(resumed, str) and timestamps.parse(resumed) == reached

        screen.page.keyboard.press("l")
        screen.expect_state("LIVE")
        screen.wait_for_cursor("after", second(SECONDS))
        os.kill(present.child("edge"), signal.SIGKILL)
        expect(screen.page.get_by_test_id("missed-note")).to_contain_text("is in the archive")
        screen.expect_state("LIVE")


BURST_EVENTS = 20_000
BURST_PADDING = "x" * 2_000
"""So many bytes that no buffer between the Core and a busy browser holds the burst."""
BUSY_MS = 12_000


async def publish_burst(url: str) -> None:
    """More than a browser gets that is busy with something else; the last counts highest."""
    transport = connect(url)
    producer = Producer(transport, "sat")
    for first in range(0, BURST_EVENTS, 1000):
        counts = range(first, first + 1000)
        data = [{"count": count + 1, "padding": BURST_PADDING} for count in counts]
        await producer.send([producer.observe(EPS).ui("battery", "battery", "1", d) for d in data])
    await transport.close()


def test_a_browser_that_is_too_slow_is_told_what_it_does_not_get(
    browser: Browser, present: Nova
) -> None:
    """What is shed is named, until when too, and what is shown in the end is the present."""
    with screen_on(browser, present.url) as screen, ThreadPoolExecutor(1) as thread:
        screen.expect_state("LIVE")
        burst = thread.submit(lambda: asyncio.run(publish_burst(present.publish)))
        screen.page.evaluate(
            "ms => { const end = performance.now() + ms; while (performance.now() < end); }",
            BUSY_MS,
        )
        burst.result()
        note = screen.page.get_by_test_id("behind-note")
        expect(note).to_contain_text(re.compile(r"[\d,]+ events received from .* were not sent"))
        expect_count(screen, BURST_EVENTS)
        screen.expect_state("LIVE")
        note.get_by_role("button").click()
        expect(note).to_be_hidden()


def test_an_empty_archive_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    """The first thing that anyone sees of a new NOVA tells how to go on."""
    with running_nova(tmp_path / "data", "--scope", "sat") as nova:
        context = browser.new_context()
        screen = Screen(context)
        screen.page.goto(nova.url)
        screen.log_in()
        expect(screen.page.get_by_test_id("strip-empty")).to_contain_text("nova produce")
        apart(lambda: publish_now(nova.publish, 1))
        expect(screen.page.get_by_test_id("strip-empty")).to_be_hidden()
        context.close()
        assert screen.complaints == []
