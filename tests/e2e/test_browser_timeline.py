"""The timeline in a real browser on a real NOVA: every way to move in time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.timestamps import NS_PER_SECOND
from nova.testkit.running_nova import PASSWORD, RunningNova
from tests.e2e.demo_screen import Screen, apart, new_context, screen_on
from tests.e2e.kept_screen import KeptScreen
from tests.e2e.recorded_flight import SECONDS, second

pytestmark = pytest.mark.browser

TYPED = {"0:02:30": 150, "-10s": 140, "2026-001T00:01": 60, "1767225720": 120, "+1m30s": 210}
"""Times as people type them one after the other, and the seconds of the recording they mean."""


@pytest.fixture
def screen(kept: KeptScreen, recorded: RunningNova) -> Iterator[Screen]:
    """A window that is paused in the middle of the recording, which it shows as a whole."""
    at, first, last = (timestamps.text(second(count)) for count in (120, -30, 630))
    with kept.at(recorded.url, f"t={at}&tb=source&from={first}&to={last}") as screen:
        screen.expect_state("PAUSED")
        screen.expect_cursor(second(120))
        yield screen


def test_an_instance_that_says_nothing_opens_on_its_first_entity(screen: Screen) -> None:
    """No plots, and a map that says why it is empty."""
    expect(screen.page.get_by_test_id("plots-empty")).to_be_visible()
    expect(screen.page.get_by_test_id("track-empty")).to_contain_text("has no position")


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
    screen.expect_count(250)
    assert screen.starts() == []


def test_a_click_goes_there_and_a_double_click_shows_everything(screen: Screen) -> None:
    """The cursor is where the click was; a double click changes what is seen, not the clock."""
    screen.show(second(280), second(320))
    screen.page.mouse.click(round(screen.x_of(second(300.5))), screen.middle_y())
    screen.expect_count(300)
    at = screen.cursor_ns()
    screen.show(second(290), second(310))
    screen.page.mouse.dblclick(screen.x_of(second(295)), screen.middle_y())
    expect(screen.page.get_by_test_id("seen")).to_contain_text("10.6 min")
    assert screen.cursor_ns() == at


def test_times_are_typed_and_chosen_in_a_calendar(screen: Screen) -> None:
    """A-154: UTC unless a zone is named, in the spellings of the trade; of what is no time it is
    said why, and the clock stays.
    """
    screen.page.get_by_test_id("seek-input").fill("2026-01-01T01:02:00+01:00")
    screen.page.get_by_test_id("seek-go").click()
    screen.expect_cursor(second(120))
    screen.expect_count(120)
    screen.page.get_by_test_id("seek-input").fill("tomorrow")
    screen.page.get_by_test_id("seek-go").click()
    expect(screen.page.get_by_test_id("seek-input")).to_have_attribute("aria-invalid", "true")
    expect(screen.page.get_by_test_id("seek-fault")).to_contain_text(
        "“tomorrow” is no time. Write 2026-"
    )
    for typed, at_s in TYPED.items():
        screen.page.get_by_test_id("seek-input").fill(typed)
        expect(screen.page.get_by_test_id("seek-fault")).to_be_hidden()
        screen.page.get_by_test_id("seek-input").press("Enter")
        screen.expect_cursor(second(at_s))
    screen.page.get_by_test_id("seek-input").fill("now")
    screen.page.get_by_test_id("seek-go").click()
    screen.expect_state("LIVE")
    screen.page.get_by_test_id("calendar-open").click()
    screen.page.get_by_test_id("calendar-input").fill("2026-01-01T00:04:05")
    screen.page.get_by_test_id("calendar-input").press("Enter")
    screen.expect_cursor(second(245))
    screen.page.keyboard.press("Escape")
    expect(screen.page.get_by_test_id("calendar")).to_be_hidden()


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
    screen.expect_count(480)
    screen.page.keyboard.press("ArrowLeft")
    screen.expect_cursor(second(359))
    screen.page.get_by_test_id("step-previous").click()
    screen.expect_cursor(second(358))
    screen.expect_count(358)
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


async def received_at(data: Path, source_ns: int) -> str:
    """When the Core received the events that were made at a time."""
    at = timestamps.text(source_ns)
    query = Query(start_time=at, stop_time=at, timebase="source", filters=Filters(lanes=["ui"]))
    async with await Client.to_core(data) as client:
        (event,) = [json.loads(stored) async for stored in client.query(query)]
    return str(event["canonicalTruthTime"])


def test_the_other_clock_keeps_the_event_under_the_cursor(
    screen: Screen, recorded: RunningNova
) -> None:
    """A-157: the same event, by when it was received and by when it was made."""
    screen.seek(second(250.4))
    screen.expect_count(250)
    received = apart(lambda: received_at(recorded.data, second(250)))
    expect(screen.page.get_by_test_id("other-time")).to_have_attribute("data-time", received)
    screen.page.get_by_test_id("timebase").select_option("canonical")
    screen.expect_cursor(timestamps.parse(received))
    screen.expect_count(250)
    screen.page.keyboard.press("t")
    screen.expect_cursor(second(250))
    screen.expect_count(250)


def test_a_shared_address_opens_the_same_moment(
    browser: Browser, recorded: RunningNova, screen: Screen
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
        other.expect_count(150)


def test_a_link_is_the_view(browser: Browser, recorded: RunningNova) -> None:
    """Copied from LIVE it is the moment; entity, cards, filters, plots and layout are those of the
    sender, in a new tab and after a reload, logged in. Nobody's own layout is lost by it.
    """
    context = new_context(browser)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(recorded.url)
    page.get_by_test_id("login-username").fill("admin")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    page.get_by_test_id("entity-row").first.click()
    expect(page.get_by_test_id("state")).to_have_text("LIVE")
    page.locator('[data-key="count"]').get_by_test_id("plot-field").click()
    page.get_by_test_id("card-search").fill("nothing")
    page.get_by_test_id("lane-raw").click()
    page.get_by_test_id("menu-chat").click()
    page.get_by_test_id("put-away").click()
    page.get_by_test_id("copy-link").click()
    expect(page.get_by_test_id("hint")).to_contain_text("Link to this moment copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert "state=paused" in link and "&view=d." in link
    moment = timestamps.text(timestamps.parse(link.split("&t=")[1].split("&")[0]))

    other = context.new_page()
    other.goto(link)
    for _ in ("opened", "reloaded"):
        expect(other.get_by_test_id("cursor")).to_have_attribute("data-time", moment)
        expect(other.get_by_test_id("state")).to_have_text("PAUSED")
        expect_view(other)
        expect(other.get_by_test_id("linked-view")).to_have_count(0)
        other.reload()
    context.close()

    with screen_on(browser, link) as stranger:
        expect_view(stranger.page)
        expect(stranger.page.get_by_test_id("linked-view")).to_contain_text("Your own are kept")
        stranger.page.get_by_test_id("linked-drop").click()
        expect(stranger.page.get_by_test_id("panel-chat")).to_be_visible()
        expect(stranger.page.get_by_test_id("plot-line")).to_have_count(0)
        expect(stranger.page.get_by_test_id("linked-view")).to_have_count(0)


def expect_view(page: Page) -> None:
    """What the link of the test shows."""
    expect(page.get_by_test_id("plot-line")).to_have_count(1)
    expect(page.get_by_test_id("card-search")).to_have_value("nothing")
    expect(page.get_by_test_id("lane-raw")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_test_id("show-chat")).to_be_visible()


def test_two_browsers_are_independent(
    browser: Browser, recorded: RunningNova, screen: Screen
) -> None:
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
