"""`python -m bench.screen_cost`: what the screen costs the main thread of a browser, in ms of
each second: LIVE, paused, and replaying at each rate, on an archive of 200 entities.

A browser draws 60 frames a second as long as its main thread is free for most of each 16.7 ms. The
processor time of that thread differs less between runs than frames do where other programs use the
machine too; `busy` counts what the thread waited for a processor as well.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click
from playwright.sync_api import Page, expect

from bench.bulk_archive import fill
from bench.frame_watch import HEADING, FrameWatch
from bench.work import Work
from nova.testkit.browser import running_browser
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova

SCOPE = "bench"
EVENTS = 1_200_000
FIRST_EVENTS, BATCH_EVENTS = 30_000, 5_000
RATES = ("1", "10", "60", "max")
WIDTH, HEIGHT = 1500, 900
LOADED_MS, SETTLED_MS = 60_000, 4_000
PLACE = 0.3
"""Where on the timeline a replay starts, as a share of it."""


class CostedPage:
    """A logged-in page, and what its main thread does."""

    def __init__(self, page: Page, nova: RunningNova) -> None:
        self.page = page
        page.goto(nova.url)
        page.get_by_test_id("login-username").fill("admin")
        page.get_by_test_id("login-password").fill(PASSWORD)
        page.get_by_test_id("login-submit").click()
        page.get_by_test_id("entity-row").first.wait_for(timeout=LOADED_MS)
        self._watch = FrameWatch(page)

    def report(self, phase: str, seconds: float) -> str:
        """A line on some seconds from now on."""
        return f"{phase:8}{self._watch.watch(seconds).text()}{os.getloadavg()[0]:6.0f}"

    def seek(self) -> None:
        """Stand still at the start of the replays, with all panels loaded."""
        box = self.page.get_by_test_id("timeline").bounding_box()
        assert box is not None
        x, y = box["x"] + PLACE * box["width"], box["y"] + 0.6 * box["height"]
        if self.page.get_by_test_id("state").inner_text() == "PLAYING":
            self.page.keyboard.press("Space")
        self.page.mouse.click(x, y)
        expect(self.page.get_by_test_id("state")).to_have_text("PAUSED")
        self.page.wait_for_timeout(SETTLED_MS)


def measure(costed: CostedPage, seconds: float) -> None:
    """LIVE, paused, and one replay after the other from the same time."""
    page = costed.page
    click.echo(f"{'phase':8}{HEADING}  load")
    page.wait_for_timeout(SETTLED_MS)
    click.echo(costed.report("LIVE", seconds))
    page.get_by_test_id("replay").click()
    page.get_by_test_id("zoom-all").click()
    page.wait_for_timeout(SETTLED_MS)
    costed.seek()
    click.echo(costed.report("PAUSED", seconds))
    for rate in RATES:
        costed.seek()
        page.get_by_test_id("rate").select_option(rate)
        page.get_by_test_id("play").click()
        click.echo(costed.report(rate, seconds))


@click.command(help=__doc__)
@click.option("--data", type=click.Path(path_type=Path), help="Where the archive is, or is made.")
@click.option("--events", default=EVENTS, show_default=True)
@click.option("--seconds", default=10.0, show_default=True, help="How long each phase lasts.")
def main(data: Path | None, events: int, seconds: float) -> None:
    """Fill an archive unless there is one, and measure each phase on a NOVA of its own."""
    with tempfile.TemporaryDirectory() as folder:
        archive = data or Path(folder) / "data"
        if not archive.exists():
            archive.mkdir(parents=True)
            fill(archive, events, Work(FIRST_EVENTS).batches(BATCH_EVENTS))
        with (
            running_nova(archive, "--scope", SCOPE) as nova,
            running_browser(whole=True) as browser,
        ):
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            measure(CostedPage(page, nova), seconds)


if __name__ == "__main__":
    main()
