"""`python -m bench.screen_traffic`: what the screen of the demo receives and asks, by message type,
in bytes and requests of each second: LIVE, paused, and replaying at 1×.

Bytes are those of the messages. The last lines of a phase have the ratio of all others to those of
the stream, and the requests.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from playwright.sync_api import Page, expect

from nova.testkit.browser import running_browser
from nova.testkit.page_traffic import STREAM, PageTraffic
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova

WIDTH, HEIGHT = 1500, 900
LOADED_MS, SETTLED_MS = 60_000, 6_000


def lines(traffic: PageTraffic, phase: str, took_s: float) -> Iterator[str]:
    """A line for each type, the most bytes first, and the ratio of all others to the stream."""
    for kind, count in traffic.received_bytes.most_common():
        yield f"{phase:8}{kind:24}{count / took_s:10.0f} B/s"
    streamed = traffic.received_bytes[STREAM]
    others = traffic.received_bytes.total() - streamed
    yield f"{phase:8}{'others':24}{others / took_s:10.0f} B/s"
    if streamed:
        yield f"{phase:8}{'others / stream':24}{others / streamed:10.2f}"
    sent = traffic.sent_types()
    asked = ", ".join(f"{kind} {count / took_s:.1f}" for kind, count in sent.most_common())
    yield f"{phase:8}{'requests/s':24}{sent.total() / took_s:10.1f}   {asked}"


def report(page: Page, traffic: PageTraffic, phase: str, seconds: float) -> None:
    """Print the traffic of some seconds from now on."""
    page.wait_for_timeout(SETTLED_MS)
    traffic.clear()
    began = time.monotonic()
    page.wait_for_timeout(seconds * 1_000)
    for line in lines(traffic, phase, time.monotonic() - began):
        click.echo(line)


@contextmanager
def opened(nova: RunningNova) -> Iterator[tuple[Page, PageTraffic]]:
    """A logged-in page on the demo, LIVE."""
    with running_browser() as browser:
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        traffic = PageTraffic(page)
        page.goto(nova.url)
        page.get_by_test_id("login-username").fill("admin")
        page.get_by_test_id("login-password").fill(PASSWORD)
        page.get_by_test_id("login-submit").click()
        page.get_by_test_id("entity-row").first.wait_for(timeout=LOADED_MS)
        expect(page.get_by_test_id("state")).to_have_text("LIVE")
        yield page, traffic


@click.command(help=__doc__)
@click.option("--seconds", default=20.0, show_default=True, help="How long each phase lasts.")
def main(seconds: float) -> None:
    """Each phase on a demo of its own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_nova(Path(folder) / "data", command="demo") as nova,
        opened(nova) as (page, traffic),
    ):
        report(page, traffic, "LIVE", seconds)
        page.get_by_test_id("replay").click()
        report(page, traffic, "PAUSED", seconds)
        box = page.get_by_test_id("timeline").bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.6)
        page.get_by_test_id("play").click()
        report(page, traffic, "PLAYING", seconds)


if __name__ == "__main__":
    main()
