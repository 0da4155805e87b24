"""A copied link says whether its reader sees another past than its sender did."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from nova.edge.user_store import UserStore
from nova.sdk.producer.producer import Producer
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova
from tests.e2e.demo_screen import apart, new_context
from tests.e2e.kept_screen import KeptScreen
from tests.e2e.recorded_flight import SCOPE, publish_history, second, update

pytestmark = pytest.mark.browser

SPAN = "from=2026-01-01T00:01:00Z&to=2026-01-01T00:02:00Z"
MOMENT = f"t=2026-01-01T00:01:40Z&state=paused&tb=source&{SPAN}"
HIDDEN = "other"


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """A NOVA of several scopes with a recording, and a user who sees one of them."""
    with running_nova(tmp_path_factory.mktemp("known") / "data", "--ground") as nova:
        apart(lambda: publish_history(nova.publish))
        add_limited(nova.data)
        yield nova
        nova.kill()


def add_limited(data: Path) -> None:
    with UserStore(data / "edge") as users:
        admin = users.get("admin")
        assert admin is not None
        assert users.add("limited", admin.password_hash, "viewer", scopes=[SCOPE])


async def publish_late(url: str, scope: str, *seconds: float) -> None:
    """Events of the past, received now."""
    transport = connect(url)
    producer = Producer(transport, scope)
    await producer.send(update(producer, 1_000, second(count)) for count in seconds)
    await transport.close()


def opened_again(page: Page, link: str) -> None:
    """An address that is shown already would not be opened."""
    page.evaluate(
        "([hash, visit]) => { location.hash = `${hash}&visit=${visit}`; }",
        [urlsplit(link).fragment, page.evaluate("performance.now()")],
    )


def test_a_link_tells_what_came_after_it(
    kept: KeptScreen, browser: Browser, ground: RunningNova
) -> None:
    """Late data of the span is counted, listed, and left out by receive time; of other spans and
    of scopes that the reader does not see it is not.
    """
    with kept.at(ground.url, MOMENT) as screen:
        page = screen.page
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_test_id("panel-inspector").get_by_test_id("event-range").select_option(
            "visible"
        )
        expect(page.get_by_test_id("known-chip")).to_have_count(0)
        page.locator(".legend").get_by_test_id("copy-link").click()
        expect(page.get_by_test_id("hint")).to_contain_text("Link copied")
        link = page.evaluate("navigator.clipboard.readText()")
        known = parse_qs(urlsplit(link).fragment)["known"][0]
        opened_again(page, link)
        expect(page.get_by_test_id("known-chip")).to_have_text(
            re.compile("^asked .*: as it was known when the link was made$")
        )
        assert page.get_by_test_id("known-chip").evaluate(
            "one => one.scrollHeight <= one.clientHeight && one.scrollWidth <= one.clientWidth"
        )
        apart(lambda: publish_late(ground.publish, SCOPE, 80.5, 100.5, 500.5))
        apart(lambda: publish_late(ground.publish, HIDDEN, 90.5))
        screen.seek(second(95))
        note = page.get_by_test_id("late-note")
        expect(note).to_contain_text("3 events in view were received after this link was made")
        expect(page.get_by_test_id("known-chip")).to_have_count(0)
        assert "known=" in page.evaluate("location.hash")
        page.get_by_test_id("late-show").click()
        rows = page.get_by_test_id("event-row")
        expect(rows).to_have_count(3)
        expect(rows.first).to_have_attribute("data-time", re.compile("^2026-01-01T00:01:40.5"))
        page.get_by_test_id("late-known").click()
        expect(page.get_by_test_id("event-range")).to_have_value("clock")
        screen.expect_state("PAUSED")
        expect(page.get_by_test_id("cursor")).to_have_attribute("data-time", known)
        expect(note).to_have_count(0)
        limited_sees(browser, link)


def limited_sees(browser: Browser, link: str) -> None:
    """A new tab of somebody who does not see one of the scopes."""
    context = new_context(browser)
    page = context.new_page()
    page.goto(link)
    page.get_by_test_id("login-username").fill("limited")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    expect(page.get_by_test_id("late-note")).to_contain_text("2 events in view were received")
    page.reload()
    expect(page.get_by_test_id("late-note")).to_contain_text("2 events in view were received")
    context.close()


def test_a_link_that_was_known_in_the_future_says_so(kept: KeptScreen, ground: RunningNova) -> None:
    with kept.at(ground.url, f"{MOMENT}&known=2200-01-01T00:00:00Z") as screen:
        fault = screen.page.get_by_test_id("known-fault")
        expect(fault).to_contain_text("must be a time that has come, not “2200-01-01 00:00:00.000”")
        fault.get_by_role("button").click()
        expect(fault).to_have_count(0)
        expect(screen.page.get_by_test_id("known-chip")).to_have_count(0)
    with kept.at(ground.url, f"{MOMENT}&known=yesterday") as screen:
        fault = screen.page.get_by_test_id("moment-fault")
        expect(fault).to_contain_text("The link's known must be the receive time")
        fault.get_by_role("button").click()
