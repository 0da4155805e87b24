"""`python -m bench.screen_load`: how long a page with nothing in its cache takes until it shows
values, at 500 kbit/s and 300 ms, on the demo and on an archive of 10,000 entities; and what it has
received by then.

The busy time of the main thread is beside it: on a machine that others use, the page waits for a
processor as well as for the network.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
from playwright.sync_api import Browser, CDPSession, Page

from bench.own import WriterSide
from bench.ui_load import SCOPE, Views
from nova.testkit.browser import running_browser
from nova.testkit.page_traffic import PageTraffic
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova

BYTES_S, LATENCY_MS = 500_000 // 8, 300
WIDTH, HEIGHT = 1500, 900
LOADED_MS = 120_000
UPDATES, BATCH_EVENTS = 20_000, 2_000


class PageLoad(msgspec.Struct):
    """Seconds until entities are listed and until values are shown, the busy time of the main
    thread, and KiB of files and of messages until then.
    """

    entities_s: float
    values_s: float
    busy_s: float
    files_kib: float
    messages_kib: float


class SlowPage:
    """A page on a slow line."""

    def __init__(self, page: Page) -> None:
        self.page, self.file_bytes = page, 0
        self.traffic = PageTraffic(page)
        self._browser: CDPSession = page.context.new_cdp_session(page)
        self._browser.on("Network.loadingFinished", self._on_loaded)
        for method in ("Network.enable", "Performance.enable"):
            self._browser.send(method)
        self._browser.send("Network.setCacheDisabled", {"cacheDisabled": True})
        line = {"downloadThroughput": BYTES_S, "uploadThroughput": BYTES_S, "latency": LATENCY_MS}
        self._browser.send("Network.emulateNetworkConditions", {"offline": False, **line})

    def _on_loaded(self, event: dict[str, Any]) -> None:
        self.file_bytes += int(event["encodedDataLength"])

    def busy_s(self) -> float:
        """The busy time of the main thread so far."""
        found = self._browser.send("Performance.getMetrics")["metrics"]
        return {one["name"]: float(one["value"]) for one in found}["TaskDuration"]

    def open(self, url: str) -> PageLoad:
        """Open the page until it shows values."""
        began = time.monotonic()
        self.page.goto(url, wait_until="commit")
        self.page.get_by_test_id("entity-row").first.wait_for(timeout=LOADED_MS)
        entities_s = time.monotonic() - began
        self.page.get_by_test_id("latest-row").first.wait_for(timeout=LOADED_MS)
        values_s = time.monotonic() - began
        kib = (self.file_bytes / 1024, self.traffic.received_bytes.total() / 1024)
        return PageLoad(entities_s, values_s, self.busy_s(), *kib)


@contextmanager
def logged_in(browser: Browser, url: str) -> Iterator[Page]:
    """A page of a browser that has a session."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    page = context.new_page()
    page.goto(url)
    page.get_by_test_id("login-username").fill("admin")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    page.get_by_test_id("entity-row").first.wait_for(timeout=LOADED_MS)
    page.close()
    yield context.new_page()
    context.close()


def measured(nova: RunningNova, rounds: int) -> PageLoad:
    """Medians of some runs."""
    found: list[PageLoad] = []
    with running_browser(whole=True) as browser:
        for _ in range(rounds):
            with logged_in(browser, nova.url) as page:
                found.append(SlowPage(page).open(nova.url))
    names = PageLoad.__struct_fields__
    return PageLoad(*(statistics.median(getattr(one, name) for one in found) for name in names))


def fill(folder: Path) -> None:
    """An archive of 10,000 entities with a view each."""
    with WriterSide(folder) as store:
        store.ingest(Views(UPDATES).batches(BATCH_EVENTS, 0))


@click.command(help=__doc__)
@click.option("--rounds", default=3, show_default=True, help="Runs of each.")
@click.option("--only-demo", is_flag=True, help="Leave the 10,000 entities out.")
def main(rounds: int, only_demo: bool) -> None:
    """Print the medians."""
    with tempfile.TemporaryDirectory() as folder:
        with running_nova(Path(folder) / "demo", command="demo") as nova:
            click.echo(f"demo: {measured(nova, rounds)}")
            nova.kill()
        if only_demo:
            return
        data = Path(folder) / "many"
        data.mkdir()
        fill(data)
        with running_nova(data, "--scope", SCOPE) as nova:
            click.echo(f"10,000 entities: {measured(nova, rounds)}")
            nova.kill()


if __name__ == "__main__":
    main()
