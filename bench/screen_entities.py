"""`python -m bench.screen_entities`: what the screen costs a browser beside 10,000 entities of ten
fields each, every one of which sends an event a second.

How long the first view after the login takes; then, LIVE, the busy time of the main thread, frames,
nodes, and what the heap grows by. The writer, the reader, the edge and the producer share the
processors with the browser, so frames are fewer than beside a NOVA on another machine; the busy
time is the firm figure.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import click
from playwright.sync_api import Page, expect

from bench.frame_watch import HEADING, FrameWatch
from bench.publishing_thread import PublishingThread
from nova.sdk import timestamps
from nova.sdk.address import entity
from nova.sdk.transport.base import Record, connect
from nova.testkit.browser import running_browser
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova

SCOPE = "bench"
ENTITIES, FIELDS, SYSTEMS = 10_000, 10, 50
TURNS = 20
"""Batches of a second, each of the entities whose turn it is."""

WIDTH, HEIGHT = 1500, 900
LOADED_MS, FILLED_S = 120_000, 5
FRAMES_S, GROWTH_S = 20.0, 60.0


class EntityLoad(PublishingThread):
    """An event of each entity a second."""

    def __init__(self, url: str, entities: int, fields: int) -> None:
        super().__init__()
        self.behind_s = 0.0
        self._url = url
        self._addresses = [str(_address(number, entities)) for number in range(entities)]
        self._values = ",".join(f'"field{place}":%d.{place}' for place in range(fields)).encode()

    async def publish(self) -> None:
        transport = connect(self._url)
        began = time.monotonic()
        for turn in count():
            if self.is_over:
                break
            records = list(self._records(turn))
            await transport.publish(records)
            self.sent += len(records)
            due = began + (turn + 1) / TURNS
            self.behind_s = max(0.0, time.monotonic() - due)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        await transport.close()

    def _records(self, turn: int) -> Iterator[Record]:
        """One event of each entity whose turn it is."""
        head = b'{"messageType":"UiUpdate","sourceTruthTime":"%b","viewId":"state",' % (
            timestamps.text(time.time_ns()).encode()
        )
        fields = self._values.count(b"%d")
        second = turn // TURNS
        for number in range(turn % TURNS, len(self._addresses), TURNS):
            numbers = tuple((number + second * (place + 1)) % 1_000 for place in range(fields))
            data = self._values % numbers
            body = b'%b"manifestId":"state","manifestVersion":"1","data":{%b}}' % (head, data)
            yield Record(self._addresses[number], body)


def _address(number: int, entities: int) -> object:
    system = f"rack-{number * SYSTEMS // entities:02}"
    return entity(SCOPE, "ui", system, "bus", f"unit-{number:05}")


def log_in(page: Page, url: str) -> float:
    """Log in; the seconds until the first view: entities, shields with values, and LIVE."""
    page.goto(url)
    page.get_by_test_id("login-username").fill("admin")
    page.get_by_test_id("login-password").fill(PASSWORD)
    began = time.monotonic()
    page.get_by_test_id("login-submit").click()
    page.get_by_test_id("entity-row").first.wait_for(timeout=LOADED_MS)
    page.locator('[data-testid="shield"] .shield-value').first.wait_for(timeout=LOADED_MS)
    expect(page.get_by_test_id("state")).to_have_text("LIVE", timeout=LOADED_MS)
    return time.monotonic() - began


def measure(page: Page, nova: RunningNova, crowd: EntityLoad) -> None:
    """The first view, frames LIVE, and the growth of the heap."""
    click.echo(f"first view after {log_in(page, nova.url):.1f} s")
    watch = FrameWatch(page)
    page.wait_for_timeout(FILLED_S * 1_000)
    sent, began = crowd.sent, time.monotonic()
    click.echo(HEADING)
    click.echo(watch.watch(FRAMES_S).text())
    sent_hz = (crowd.sent - sent) / (time.monotonic() - began)
    load = f"load of the machine {os.getloadavg()[0]:.0f}"
    click.echo(f"sent {sent_hz:,.0f} events/s, {crowd.behind_s:.1f} s behind; {load}")
    notices = page.get_by_test_id("behind-note").count()
    elements = page.evaluate("document.querySelectorAll('*').length")
    click.echo(f"{elements:,} elements, {watch.nodes():,} nodes; conflated: {notices > 0}")
    before = watch.heap_mib()
    page.wait_for_timeout(GROWTH_S * 1_000)
    click.echo(f"heap {before:.1f} MiB, {watch.heap_mib():.1f} after {GROWTH_S:.0f} s")


@click.command(help=__doc__)
@click.option("--entities", default=ENTITIES, show_default=True)
@click.option("--fields", default=FIELDS, show_default=True, help="Fields of each.")
def main(entities: int, fields: int) -> None:
    """Measure on a NOVA and a browser of their own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_nova(Path(folder) / "data", "--scope", SCOPE) as nova,
        running_browser(whole=True) as browser,
        EntityLoad(nova.publish, entities, fields) as crowd,
    ):
        time.sleep(FILLED_S)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        measure(page, nova, crowd)


if __name__ == "__main__":
    main()
