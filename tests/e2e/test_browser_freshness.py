"""Freshness, events and times in a replay, at every rate and in both directions: each moment that
the page shows is compared with the recording.
"""

from __future__ import annotations

import msgspec
import pytest
from playwright.sync_api import Browser, expect

from nova.sdk import timestamps
from nova.sdk.timestamps import NS_PER_SECOND
from nova.testkit.running_nova import RunningNova
from tests.e2e.demo_screen import Screen, screen_on
from tests.e2e.kept_screen import KeptScreen
from tests.e2e.recorded_flight import EPS, QUIET, SECONDS, START_NS, second

pytestmark = pytest.mark.browser

STALE_S = 10.0
"""The unit sends once a second."""

FRAMES_S = 0.6
"""How far what is written in one frame may differ in time: the page draws parts by themselves."""

SENT = [one for one in range(SECONDS) if one not in QUIET]
MS_PER_SECOND = 1_000
RUNS = [
    ("5", 352.0, 374.0),
    ("60", 300.0, 530.0),
    ("max", 0.5, 598.0),
    ("5", 376.0, 355.0),
    ("60", 530.0, 300.0),
    ("max", 598.0, 2.0),
]
"""Rate, begin and end, each through a change between live and stale."""

WATCH = """() => {
  window.moments = [];
  const time = (one, name) => one?.dataset?.[name] ?? '';
  const look = () => {
    if (window.moments === null) return;
    const rows = [...document.querySelectorAll('[data-testid=event-row]')];
    window.moments.push({
      cursor: time(document.querySelector('[data-testid=cursor]'), 'time'),
      ages: Number(time(document.querySelector('[data-testid=ages-at]'), 'ms')),
      listed: Number(time(document.querySelector('[data-testid=ages-at]'), 'listedMs')),
      dot: time(document.querySelector('[data-entity=eps] [data-testid=fresh]'), 'freshness'),
      received: time(document.querySelector('[data-testid=other-time]'), 'eventTime'),
      event: time(rows[0], 'time'),
      lane: time(rows[0], 'lane'),
      events: rows.length,
    });
    requestAnimationFrame(look);
  };
  look();
}"""


MOMENTS = 8
COMPARE = """() => {
  const time = id => document.querySelector(`[data-testid=${id}]`).dataset.time;
  const run = new Set();
  window.most = 0;
  window.comparing = setInterval(() => {
    if (time('cards-as-of') === time('cursor')) run.add(time('cursor'));
    else run.clear();
    window.most = Math.max(window.most, run.size);
  }, 20);
}"""
"""At how many moments one after the other the cards were those of the clock."""


class ShownFrame(msgspec.Struct):
    """What the page showed in one frame."""

    cursor: str
    ages: float | None
    listed: float | None
    dot: str
    received: str
    event: str
    lane: str
    events: int


def seconds_of(time: str) -> float:
    """Seconds of the recording."""
    return (timestamps.parse(time) - START_NS) / NS_PER_SECOND


def newest_at(at_s: float) -> int | None:
    """The last second up to a time in which the unit sent something."""
    return max((one for one in SENT if one <= at_s), default=None)


def freshness_at(at_s: float) -> str:
    newest = newest_at(at_s)
    if newest is None:
        return "unseen"
    return "live" if at_s - newest <= STALE_S else "stale"


def replayed(screen: Screen, rate: str, from_s: float, until_s: float) -> list[ShownFrame]:
    """What every frame of a replay showed."""
    page, is_reverse = screen.page, until_s < from_s
    screen.seek(second(from_s))
    page.wait_for_function(
        "() => document.querySelector('[data-testid=ages-at]').dataset.pending === 'false'"
    )
    page.get_by_test_id("rate").select_option(rate)
    if is_reverse:
        page.get_by_test_id("direction").click()
    page.evaluate(WATCH)
    page.get_by_test_id("play").click()
    screen.wait_for_cursor("before" if is_reverse else "after", second(until_s))
    found = page.evaluate(
        "(() => { const all = window.moments; window.moments = null; return all; })()"
    )
    if page.get_by_test_id("state").inner_text() == "PLAYING":
        page.get_by_test_id("play").click()
    screen.expect_state("PAUSED")
    if is_reverse:
        page.get_by_test_id("direction").click()
    return msgspec.convert(found, list[ShownFrame])


def test_cards_are_at_a_clock_that_moves_backwards(kept: KeptScreen, recorded: RunningNova) -> None:
    """They are read ahead of it: no card shows what the clock has passed."""
    with kept.at(
        recorded.url, f"t={timestamps.text(second(300))}&state=paused&tb=source"
    ) as screen:
        page = screen.page
        page.get_by_test_id("rate").select_option("60")
        page.get_by_test_id("direction").click()
        moments = 0
        while moments < MOMENTS:  # A slow page reads ahead late.
            screen.seek(second(300))
            page.get_by_test_id("play").click()
            page.evaluate(COMPARE)
            screen.wait_for_cursor("before", second(10))
            moments = page.evaluate(
                "() => { clearInterval(window.comparing); return window.most; }"
            )
            page.get_by_test_id("play").click()


def test_dots_events_and_times_are_those_of_each_moment(
    browser: Browser, recorded: RunningNova
) -> None:
    """Forwards and backwards, slow and fast; through a silence of the unit."""
    first, last = timestamps.text(second(0)), timestamps.text(second(SECONDS))
    moment = f"t={timestamps.text(second(340))}&tb=source&from={first}&to={last}"
    with screen_on(browser, f"{recorded.url}/#{moment}") as screen:
        entity = screen.page.locator(f'[data-testid="entity-row"][data-entity="{EPS.unique_id}"]')
        entity.click()
        for rate, from_s, until_s in RUNS:
            found = replayed(screen, rate, from_s, until_s)
            assert_true(found, rate, until_s < from_s)
        assert_a_stale_source_is_not_in_limits(screen)


def assert_true(moments: list[ShownFrame], rate: str, is_reverse: bool) -> None:
    """Compare with the recording. What is written in one frame may be of neighbouring moments; a
    rate multiplies that.
    """
    apart_s = FRAMES_S * (60 if rate == "max" else float(rate))
    seen = {one.dot for one in moments} - {"pending"}
    assert moments and (rate == "max" or seen == {"live", "stale"}), (rate, seen)
    # The last event of each second is a frame: frames are listed too, though they are not streamed.
    assert {one.lane for one in moments} - {""} == {"raw"}, (rate, is_reverse)
    for one in moments:
        at_s = seconds_of(one.cursor)
        if one.ages is not None and one.dot != "pending":
            ages_s = one.ages / MS_PER_SECOND - START_NS / NS_PER_SECOND
            near = {freshness_at(ages_s + shift) for shift in (-apart_s, -1, 0, 1, apart_s)}
            if (
                one.listed is not None
            ):  # Frames are not streamed: the unit is as fresh as it was listed.
                near.add(freshness_at(one.listed / MS_PER_SECOND - START_NS / NS_PER_SECOND))
            assert one.dot in near, (rate, is_reverse, ages_s, one.dot)
        for time in filter(None, (one.event, one.received)):
            assert seconds_of(time) <= at_s + apart_s, (rate, is_reverse, at_s, time)
        newest = newest_at(at_s)
        if one.event and newest is not None and rate != "max":
            assert newest - seconds_of(one.event) <= apart_s + 1, (rate, is_reverse, at_s)


def assert_a_stale_source_is_not_in_limits(screen: Screen) -> None:
    """Beside the tree, the values and the shields say it."""
    screen.seek(second(QUIET.start + 60))
    page = screen.page
    dot = page.locator('[data-entity="eps"]').get_by_test_id("fresh")
    expect(dot).to_have_attribute("data-freshness", "stale")
    expect(dot).to_have_attribute("title", "stale: silent for longer than usual")
    expect(page.get_by_test_id("value-age").first).to_have_attribute("data-stale", "true")
    screen.seek(second(QUIET.stop + 1))
    expect(dot).to_have_attribute("data-freshness", "live")
    expect(page.get_by_test_id("value-age").first).to_have_attribute("data-stale", "false")
