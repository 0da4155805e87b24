"""`python -m bench.screen`: what the screen costs a browser, every ten seconds, LIVE at 1,000
events a second and then being scrubbed at 10,000: heap, nodes, frames, messages.

The heap is measured after a collection of garbage, so that what grows is what is kept. Frames are
those in which the page could paint; on a machine without a GPU that the browser shares with NOVA
they are fewer than on an operator's.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from playwright.sync_api import Browser, CDPSession, Page, expect

from bench.publishing_thread import PublishingThread
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.transport.base import connect
from nova.testkit.browser import running_browser
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova

SCOPE = "bench"
UNITS = [Entity("bus", f"rack-{number // 5}", f"unit-{number:02}") for number in range(20)]
LIVE_HZ, SCRUB_HZ = 1_000, 10_000
TURN_S = 0.05
REPORT_S = 10.0
SCRUB_STEP_MS = 16
WIDTH, HEIGHT = 1280, 720
LOADED_MS = 30_000
MIB = 1024 * 1024
WATCH = """() => {
  window.benchFrames = 0;
  window.benchWorstMs = 0;
  let before = performance.now();
  const count = (now) => {
    window.benchFrames++;
    window.benchWorstMs = Math.max(window.benchWorstMs, now - before);
    before = now;
    requestAnimationFrame(count);
  };
  requestAnimationFrame(count);
}"""


class Load(PublishingThread):
    """Events at a rate."""

    def __init__(self, url: str, rate_hz: int) -> None:
        super().__init__()
        self._url = url
        self._rate_hz = rate_hz

    async def publish(self) -> None:
        transport = connect(self._url)
        producer = Producer(transport, SCOPE)
        count = itertools.count()
        began = time.monotonic()
        while not self.is_over:
            due = int((time.monotonic() - began) * self._rate_hz) - self.sent
            if due > 0:
                await producer.send([update(producer, next(count)) for _ in range(due)])
                self.sent += due
            await asyncio.sleep(TURN_S)
        await transport.close()


def update(producer: Producer, number: int) -> Event:
    """One event of one of the units, in the ui lane, which browsers stream."""
    data = {"count": number, "volts": round(28 + math.sin(number / 1_000), 4), "mode": "NOMINAL"}
    return producer.observe(UNITS[number % len(UNITS)]).ui("power", "power", "1", data)


class WatchedPage:
    """A page, and what the browser says of it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._messages = 0
        self._bytes = 0
        self._browser: CDPSession = page.context.new_cdp_session(page)
        self._browser.send("Performance.enable")
        page.on("websocket", lambda socket: socket.on("framereceived", self._received))

    def _received(self, frame: str | bytes) -> None:
        self._messages += 1
        self._bytes += len(frame)

    def begin(self) -> None:
        """Count from now on."""
        self._messages = self._bytes = 0
        self._began = time.monotonic()
        self.page.evaluate("() => { window.benchFrames = 0; window.benchWorstMs = 0; }")

    def report(self, what: str, load: Load, since_s: float) -> str:
        """A line on the time since the last report."""
        took_s = time.monotonic() - self._began
        frames, worst_ms = self.page.evaluate("[window.benchFrames, window.benchWorstMs]")
        rates = f"{frames / took_s:5.1f} {worst_ms:8.0f} {self._messages / took_s:10.1f}"
        kib = self._bytes / 1024 / took_s
        self._browser.send("HeapProfiler.collectGarbage")
        found = self._browser.send("Performance.getMetrics")["metrics"]
        metrics = {one["name"]: one["value"] for one in found}
        heap = metrics["JSHeapUsedSize"] / MIB
        self.begin()
        return (
            f"{what:6} {since_s:6.0f} {load.sent:10,} {heap:9.1f} {metrics['Nodes']:8.0f}"
            f" {metrics['JSEventListeners']:10.0f} {rates} {kib:8.0f}"
        )


HEADING = (
    "phase       s       sent  heap MiB    nodes  listeners   fps worst ms messages/s    KiB/s"
)


@contextmanager
def screen(browser: Browser, nova: RunningNova) -> Iterator[WatchedPage]:
    """A logged-in page with a plot in it, LIVE."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    watched = WatchedPage(page)
    page.goto(nova.url)
    page.get_by_test_id("login-username").fill("admin")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    page.get_by_test_id("entity-row").first.click(timeout=LOADED_MS)
    row = page.locator('[data-testid="latest-row"][data-key="volts"]')
    row.get_by_test_id("plot-field").click()
    expect(page.get_by_test_id("state")).to_have_text("LIVE")
    page.evaluate(WATCH)
    yield watched
    page.close()


def follow(watched: WatchedPage, load: Load, seconds: float) -> None:
    """LIVE, without user input."""
    began = time.monotonic()
    watched.begin()
    while (since_s := time.monotonic() - began) < seconds:
        watched.page.wait_for_timeout(min(REPORT_S, seconds - since_s) * 1_000)
        click.echo(watched.report("LIVE", load, time.monotonic() - began))
    click.echo(f"       state {watched.page.get_by_test_id('state').inner_text()}")


def scrub(watched: WatchedPage, load: Load, seconds: float) -> None:
    """Somebody drags the cursor to and fro without a rest, while events come in."""
    page = watched.page
    page.get_by_test_id("replay").click()
    page.get_by_test_id("zoom-all").click()
    box = page.get_by_test_id("timeline").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] - 8
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    began = reported = time.monotonic()
    watched.begin()
    while (now := time.monotonic()) - began < seconds:
        share = 0.5 + 0.35 * math.sin((now - began) * 2)
        page.mouse.move(box["x"] + share * box["width"], y)
        page.wait_for_timeout(SCRUB_STEP_MS)
        if time.monotonic() - reported >= REPORT_S:
            reported = time.monotonic()
            click.echo(watched.report("scrub", load, reported - began))
    page.mouse.up()


@click.command(help=__doc__)
@click.option("--minutes", default=1.0, show_default=True, help="How long each phase lasts.")
def main(minutes: float) -> None:
    """Run both phases on a NOVA and a browser of their own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_nova(Path(folder) / "data", "--scope", SCOPE) as nova,
        running_browser(whole=True) as browser,
    ):
        with Load(nova.publish, LIVE_HZ) as load, screen(browser, nova) as watched:
            click.echo(HEADING)
            follow(watched, load, minutes * 60)
        with Load(nova.publish, SCRUB_HZ) as load, screen(browser, nova) as watched:
            scrub(watched, load, minutes * 60)


if __name__ == "__main__":
    main()
