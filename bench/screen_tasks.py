"""`python -m bench.screen_tasks`: what people do at the screen, done in a real browser on a real
NOVA: how many presses each task takes, and how many seconds the page and the Core need for it.

A press is a click, a key of the page, a choice in a list, or a text that is typed. The time that a
person needs to read and to think is not in the seconds.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Locator, Page, expect

from nova.sdk import timestamps
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.timestamps import NS_PER_SECOND
from nova.sdk.transport.base import connect
from nova.testkit.browser import running_browser
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova

SCOPE = "sat"
BATTERY = Entity("bus", "power", "battery")
PROBE = Entity("lab", "bench", "probe")
YEARS = (1995, 2003, 2010, 2017, 2024)
RECORDING_S = 60
"""Of the probe there is a recording in each of these years, a value a second."""

RULES = """
[[rules]]
ruleId = "battery-low"
title = "Battery low"
messageType = "Battery"
field = "volts"
ranges.critical = { low = 22 }
"""
STEP_S = 60
DAY_S, DIP_S, DIP_LENGTH_S = 86_400, 10_000, 600
"""A value a minute; yesterday's dip begins after this long."""

GOOD_V, DIP_V = 28.0, 21.0
SHOWN_MS = 60_000
SIZE = (1280, 720)
ALARM, DIP = "alarm noticed to acknowledged", "battery dip of yesterday found and exported"
ALIGNED = "five recordings of 1995 to 2024 aligned on one plot"


class Bound(NamedTuple):
    """What a task may take."""

    presses: int
    seconds: float


BOUNDS = {ALARM: Bound(3, 60.0), DIP: Bound(10, 60.0), ALIGNED: Bound(11, 120.0)}


class TaskTime(NamedTuple):
    """What a task took."""

    presses: int
    seconds: float


class Hand:
    """One person's presses on a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.presses = 0
        self._begun = time.monotonic()

    def click(self, what: str) -> None:
        self.presses += 1
        self._first(what).click()

    def select(self, entity: Entity) -> None:
        """In the tree."""
        self.presses += 1
        row = f'[data-testid="entity-row"][data-entity="{entity.unique_id}"]'
        self.page.locator(row).click()

    def key(self, name: str) -> None:
        self.presses += 1
        self.page.keyboard.press(name)

    def check(self, within: str, what: str) -> None:
        self.presses += 1
        self.page.locator(within).get_by_test_id(what).check()

    def plot(self, field: str) -> None:
        """By the sign beside a latest value."""
        self.presses += 1
        self.page.get_by_test_id("latest-row").filter(has_text=field).get_by_role("button").click()

    def choose(self, what: str, label: str) -> None:
        self.presses += 1
        self._first(what).select_option(label=label)

    def type(self, what: str, text: str) -> None:
        self.presses += 1
        self._first(what).fill(text)

    def taken(self) -> TaskTime:
        return TaskTime(self.presses, time.monotonic() - self._begun)

    def _first(self, what: str) -> Locator:
        return self.page.get_by_test_id(what).first


def acknowledge(page: Page) -> TaskTime:
    """From the alarm in the line below the header to its acknowledgement."""
    expect(page.get_by_test_id("alarm-banner")).to_be_visible(timeout=SHOWN_MS)
    hand = Hand(page)
    hand.click("alarm-banner-list")
    hand.click("alarm-acknowledge")
    done = page.locator('[data-testid="alarm-row"][data-state="acknowledged"]')
    expect(done).to_have_count(1, timeout=SHOWN_MS)
    return hand.taken()


def export_dip(page: Page) -> TaskTime:
    """From LIVE to the file of the time in which the battery was low yesterday."""
    hand = Hand(page)
    hand.select(BATTERY)
    hand.key("f")
    expect(page.get_by_test_id("search-field").locator("option")).not_to_have_count(
        1, timeout=SHOWN_MS
    )
    hand.choose("search-field", "volts")
    hand.choose("search-comparison", "is below")
    hand.type("search-value", "22")
    hand.key("Enter")
    page.get_by_test_id("match-select").first.wait_for(timeout=SHOWN_MS)
    hand.click("match-select")
    hand.click("export-open")
    hand.click("export-start")
    expect(page.get_by_test_id("export-download")).to_be_visible(timeout=SHOWN_MS)
    with page.expect_download() as download:
        hand.click("export-download")
    assert download.value.failure() is None
    return hand.taken()


def align(page: Page) -> TaskTime:
    """From LIVE to five recordings of thirty years on one plot, since their starts."""
    hand = Hand(page)
    hand.select(PROBE)
    hand.key("Control+k")
    hand.type("finder-input", "recordings")
    hand.key("Enter")
    expect(page.get_by_test_id("recording")).to_have_count(len(YEARS), timeout=SHOWN_MS)
    hand.plot("volts")
    for year in YEARS:
        hand.check(f'[data-testid="recording"][data-from^="{year}-"]', "recording-choose")
    hand.click("recordings-lanes")
    lines = page.get_by_test_id("aligned-line")
    expect(lines).to_have_count(len(YEARS), timeout=SHOWN_MS)
    for line in lines.all():
        expect(line).not_to_have_attribute("data-points", "0", timeout=SHOWN_MS)
    return hand.taken()


TASKS: dict[str, Callable[[Page], TaskTime]] = {
    DIP: export_dip,
    ALIGNED: align,
    ALARM: acknowledge,
}
"""In the order in which they are done: LIVE has an alarm that is not acknowledged for the last."""


async def publish_yesterday(url: str, scope: str) -> None:
    """A day of the battery, with one dip."""

    def values(producer: Producer) -> Iterable[Event]:
        begin_ns = time.time_ns() - 2 * DAY_S * NS_PER_SECOND
        for passed_s in range(0, DAY_S, STEP_S):
            is_low = DIP_S <= passed_s < DIP_S + DIP_LENGTH_S
            at = producer.observe(BATTERY, begin_ns + passed_s * NS_PER_SECOND)
            yield at.parsed("Battery", {"volts": DIP_V if is_low else GOOD_V}, "1")

    await _publish(url, scope, values)


async def publish_decades(url: str, scope: str) -> None:
    """Five recordings of the probe."""

    def values(producer: Producer) -> Iterable[Event]:
        for year in YEARS:
            begin_ns = timestamps.parse(f"{year}-05-01T10:00:00Z")
            for second in range(RECORDING_S):
                at = producer.observe(PROBE, begin_ns + second * NS_PER_SECOND)
                yield at.parsed("Probe", {"volts": 7.0 + second % 10 / 10}, "1")

    await _publish(url, scope, values)


async def publish_low(url: str, scope: str) -> None:
    """A value of the present that raises the alarm."""
    await _publish(
        url,
        scope,
        lambda producer: [producer.observe(BATTERY).parsed("Battery", {"volts": DIP_V}, "1")],
    )


async def _publish(url: str, scope: str, make: Callable[[Producer], Iterable[Event]]) -> None:
    transport = connect(url)
    producer = Producer(transport, scope)
    await producer.send(make(producer))
    await transport.close()


@contextmanager
def satellite(folder: Path) -> Iterator[RunningNova]:
    """A NOVA with yesterday's battery and an alarm of now."""
    rules = folder / "rules"
    rules.mkdir()
    (rules / "power.toml").write_text(RULES)
    os.environ["NOVA_ALARM_RULES"] = str(rules)
    with running_nova(folder / "data", "--scope", SCOPE) as nova:
        asyncio.run(publish_decades(nova.publish, SCOPE))
        asyncio.run(publish_yesterday(nova.publish, SCOPE))
        asyncio.run(publish_low(nova.publish, SCOPE))
        yield nova
        nova.kill()


def log_in(page: Page, nova: RunningNova) -> None:
    page.goto(nova.url)
    page.get_by_test_id("login-username").fill("admin")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    expect(page.get_by_test_id("entity-row").first).to_be_visible(timeout=SHOWN_MS)


def main() -> int:
    """Do the tasks; exit status 1 if one took more than it may."""
    is_good = True
    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, TaskTime] = {}
        with satellite(Path(folder)) as nova, running_browser(whole=True) as browser:
            for name, work in TASKS.items():
                page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
                log_in(page, nova)
                found[name] = work(page)
                page.close()
    print("| task | presses | at most | seconds | at most |\n|---|---|---|---|---|")
    for name, (presses, seconds) in found.items():
        most = BOUNDS[name]
        is_good &= presses <= most.presses and seconds <= most.seconds
        print(f"| {name} | {presses} | {most.presses} | {seconds:.1f} | {most.seconds:.0f} |")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
