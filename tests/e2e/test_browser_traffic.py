"""What a page asks and receives by itself: little before its first values, nothing while paused,
little besides the stream.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from nova.sdk import timestamps
from nova.testkit.page_traffic import STREAM, PageTraffic
from nova.testkit.running_nova import RunningNova
from tests.e2e.demo_screen import LOADED_MS, new_context
from tests.e2e.held_session import hold_session
from tests.e2e.kept_screen import KeptScreen
from tests.e2e.recorded_flight import EPS, second

pytestmark = pytest.mark.browser

SETTLED_MS, PAUSED_MS, TRIES = 3_000, 10_000, 20
CHUNKS, CHUNK_MS = 5, 1_000
BEAT = {"statusUpdate", "alarmUpdates"}
"""What the Core sends by itself."""

WHOLE = {"sampleResponse"}
"""Plots are requested whole while samples are behind, as they are on a busy machine."""

REPEATS_MAX = 4
"""An event comes once for the list and once for the values, and again where these are read whole;
one of a second comes four times a second where nothing is left out.
"""


FILES_MAX_BYTES = 70 * 1024
"""Compressed, with their headers. At 500 kbit/s these take 1.2 s."""

LATE = ("late_parts", "chart", "world_map")
"""Files of what is drawn behind the first values."""

FIRST = {"auth", "setCursor", "listDisplays", "followStatus", "startStream", "discover", "latest"}
"""Requests that the first values need, or that are as short as these."""


@contextmanager
def traffic_of(page: Page) -> Iterator[PageTraffic]:
    """The traffic of a page from now on."""
    traffic = PageTraffic(page)
    yield traffic
    traffic.close()


def followed(page: Page, traffic: PageTraffic) -> None:
    """Wait for some chunks with events."""
    traffic.clear()
    while sum(bool(one.get("events")) for one in chunks(traffic)) < CHUNKS:
        page.wait_for_timeout(CHUNK_MS)


def until_quiet(page: Page, traffic: PageTraffic) -> None:
    """Wait until the moment is judged and sampled, which a page asks for until it is."""
    for _ in range(TRIES):
        traffic.clear()
        page.wait_for_timeout(SETTLED_MS)
        told = [one for one in traffic.received if one["type"] == "alarmUpdates"]
        if not traffic.sent and told and "behind" not in told[-1]:
            return


def chunks(traffic: PageTraffic) -> list[dict[str, object]]:
    return [one for one in traffic.received if one["type"] == STREAM]


def assert_sparing(traffic: PageTraffic) -> None:
    """At most as many bytes again as the stream has, and no event over and over."""
    others = Counter(traffic.received_bytes)
    streamed = others.pop(STREAM)
    for kind in WHOLE:
        others.pop(kind, None)
    assert others.total() <= 2 * streamed, (streamed, others)
    listed = [one for one in traffic.received if one["type"] in {"latestResponse", "queryResponse"}]
    ids = Counter(str(event["eventId"]) for one in listed for event in one["events"])
    assert not ids or max(ids.values()) <= REPEATS_MAX, ids.most_common(3)


class OpeningFiles:
    """The files that a page has asked for until it got values, and their bytes on the line."""

    def __init__(self, page: Page) -> None:
        self.names: dict[str, str] = {}
        self.bytes: dict[str, int] = {}
        self._has_values = False
        browser = page.context.new_cdp_session(page)
        browser.on("Network.requestWillBeSent", self._on_sent)
        browser.on("Network.loadingFinished", self._on_finished)
        browser.on("Network.webSocketFrameReceived", self._on_received)
        browser.send("Network.enable")

    def _on_sent(self, event: Mapping[str, Any]) -> None:
        if not self._has_values:
            self.names[event["requestId"]] = event["request"]["url"]

    def _on_finished(self, event: Mapping[str, Any]) -> None:
        if event["requestId"] in self.names:
            self.bytes[event["requestId"]] = int(event["encodedDataLength"])

    def _on_received(self, event: Mapping[str, Any]) -> None:
        self._has_values |= '"type":"latestResponse"' in event["response"]["payloadData"]


def asked_manifests(traffic: PageTraffic) -> list[dict[str, Any]]:
    """Requests for the manifests from their begin."""
    discovered = [one for one in traffic.sent if one["type"] == "discover"]
    return [
        one for one in discovered if one.get("manifests") is not False and "afterKey" not in one
    ]


def test_the_first_values_need_little(browser: Browser, demo: RunningNova) -> None:
    """All else comes behind them, and of the manifests one listing."""
    context = new_context(browser)
    hold_session(context, demo.url)
    page = context.new_page()
    files, traffic = OpeningFiles(page), PageTraffic(page)
    page.goto(demo.url)
    expect(page.get_by_test_id("latest-row").first).to_be_visible(timeout=LOADED_MS)
    expect(page.get_by_test_id("card").first).to_be_visible(timeout=LOADED_MS)
    types = [one["type"] for one in traffic.sent]
    assert set(types[: types.index("latest") + 1]) <= FIRST
    assert [name for name in files.names.values() if any(late in name for late in LATE)] == []
    assert files.bytes.keys() == files.names.keys()
    assert 0 < sum(files.bytes.values()) <= FILES_MAX_BYTES
    assert len(asked_manifests(traffic)) == 1
    context.close()


def test_a_paused_page_asks_nothing(kept: KeptScreen, recorded: RunningNova) -> None:
    """The Core says by itself that it is there."""
    first, last = timestamps.text(second(0)), timestamps.text(second(600))
    moment = f"t={timestamps.text(second(300))}&tb=source&from={first}&to={last}"
    with kept.at(recorded.url, moment) as screen, traffic_of(screen.page) as traffic:
        screen.page.locator(f'[data-testid="entity-row"][data-entity="{EPS.unique_id}"]').click()
        screen.expect_state("PAUSED")
        until_quiet(screen.page, traffic)
        screen.page.wait_for_timeout(PAUSED_MS)
        assert traffic.sent == []
        assert {one["type"] for one in traffic.received} == BEAT
        expect(screen.page.get_by_test_id("banner")).to_have_count(0)


def test_live_little_is_received_besides_the_stream(page: Page) -> None:
    """Lists and values of the selected entity are followed, and lines are plotted."""
    with traffic_of(page) as traffic:
        page.wait_for_timeout(SETTLED_MS)
        followed(page, traffic)
        assert_sparing(traffic)


def test_a_replay_receives_little_besides_the_stream(page: Page) -> None:
    """At 1×, some minutes ago."""
    page.get_by_test_id("seek-input").fill("-5m")
    page.get_by_test_id("seek-go").click()
    page.get_by_test_id("rate").select_option("1")
    page.get_by_test_id("play").click()
    expect(page.get_by_test_id("state")).to_have_text("PLAYING")
    with traffic_of(page) as traffic:
        page.wait_for_timeout(SETTLED_MS)
        followed(page, traffic)
        assert_sparing(traffic)
