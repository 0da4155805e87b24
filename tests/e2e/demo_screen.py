"""The page in a real browser: logged in, with its console errors and requests recorded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from playwright.sync_api import (
    Browser,
    BrowserContext,
    FloatRect,
    Page,
    ViewportSize,
    WebSocket,
    expect,
)

from nova.sdk import timestamps
from nova.testkit.running_nova import PASSWORD
from tests.e2e.held_session import IS_NAMED, MOTION, hold_session

WIDTH, HEIGHT = 1280, 720
SIZE: ViewportSize = {"width": WIDTH, "height": HEIGHT}
AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
LOADED_MS = 60_000
"""On a busy machine a page that opens takes its time."""

WHOLE = "html"
THEMES = ("dark", "light") if IS_NAMED else ("dark",)

T = TypeVar("T")


class Screen:
    """One browser window on a NOVA; a context of its own, so nothing is shared but the server."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.sent: list[dict[str, object]] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda line: self._heard(line.type, line.text))
        self.page.on("websocket", self._watch)

    def _heard(self, kind: str, text: str) -> None:
        if kind == "error":
            self.complaints.append(text)

    def _watch(self, socket: WebSocket) -> None:
        def sent(frame: str | bytes) -> None:
            self.sent.append(json.loads(frame))

        socket.on("framesent", sent)

    def open(self, url: str) -> None:
        """Open an address as the admin, and wait for the first entities."""
        hold_session(self.page, url)
        self.page.goto(url)
        expect(self.page.get_by_test_id("entity-row").first).to_be_visible(timeout=LOADED_MS)
        expect(self.page.get_by_test_id("state")).to_be_attached(timeout=LOADED_MS)

    def log_in(self) -> None:
        """Log in on the page that is open."""
        self.page.get_by_test_id("login-username").fill("admin")
        self.page.get_by_test_id("login-password").fill(PASSWORD)
        self.page.get_by_test_id("login-submit").click()

    def starts(self) -> list[dict[str, object]]:
        """Every stream that the page has asked for, in order."""
        return [message for message in self.sent if message["type"] == "startStream"]

    def serious(self, part: str = WHOLE) -> list[str]:
        """What axe-core finds in a part of the page."""
        return serious(self.page, part)

    # --- the clock ---

    def cursor_ns(self) -> int:
        """Where the clock is."""
        return timestamps.parse(self._attribute("cursor", "data-time"))

    def seek(self, at_ns: int) -> None:
        """Go to a time by typing it."""
        self.page.get_by_test_id("seek-input").fill(timestamps.text(at_ns))
        self.page.get_by_test_id("seek-go").click()
        self.expect_cursor(at_ns)

    def expect_state(self, state: str) -> None:
        """Wait until the clock is in a state."""
        expect(self.page.get_by_test_id("state")).to_have_text(state)

    def expect_cursor(self, at_ns: int) -> None:
        """Wait until the clock is exactly at a time."""
        cursor = self.page.get_by_test_id("cursor")
        expect(cursor).to_have_attribute("data-time", timestamps.text(at_ns))

    def wait_for_cursor(self, condition: str, bound_ns: int) -> None:
        """Wait until the clock is before or after a moment (to the millisecond)."""
        self.page.wait_for_function(
            "([condition, bound]) => { const at = Date.parse(document.querySelector("
            "'[data-testid=cursor]').dataset.time.replace(/(\\.\\d{3})\\d+/, '$1'));"
            "return condition === 'before' ? at < bound : at > bound; }",
            arg=[condition, bound_ns // 1_000_000],
        )

    def expect_count(self, count: int) -> None:
        """Wait until the panel of values shows a count of the recording."""
        row = self.page.locator('[data-testid="latest-row"][data-key="count"] td')
        expect(row).to_have_text(str(count))

    # --- the strip ---

    def strip(self) -> FloatRect:
        """Where the timeline's strip is on the page, in pixels."""
        box = self.page.get_by_test_id("timeline").bounding_box()
        assert box is not None
        return box

    def span_ns(self) -> tuple[int, int]:
        """What the strip shows."""
        first = timestamps.parse(self._attribute("timeline", "data-start"))
        return first, timestamps.parse(self._attribute("timeline", "data-stop"))

    def x_of(self, at_ns: int) -> float:
        """Where on the page a time of the strip is."""
        first, last = self.span_ns()
        box = self.strip()
        return box["x"] + (at_ns - first) / (last - first) * box["width"]

    def time_at(self, x: float) -> int:
        """Which time a place of the strip is."""
        first, last = self.span_ns()
        box = self.strip()
        return first + round((x - box["x"]) / box["width"] * (last - first))

    def middle_y(self) -> float:
        """The middle of the strip, where a drag pans."""
        box = self.strip()
        return box["y"] + box["height"] / 2

    def axis_y(self) -> float:
        """The axis below it, where a drag scrubs."""
        box = self.strip()
        return box["y"] + box["height"] - 8

    def show(self, first_ns: int, last_ns: int) -> None:
        """Show a span around the paused clock, by an address as a link has it."""
        ends = timestamps.text(first_ns), timestamps.text(last_ns)
        moment = f"t={timestamps.text(self.cursor_ns())}&tb=source&from={ends[0]}&to={ends[1]}"
        self.page.evaluate("hash => { location.hash = hash; }", moment)
        expect(self.page.get_by_test_id("timeline")).to_have_attribute("data-start", ends[0])

    def _attribute(self, test_id: str, name: str) -> str:
        text = self.page.get_by_test_id(test_id).get_attribute(name)
        assert text is not None
        return text


def serious(page: Page, part: str = WHOLE) -> list[str]:
    """What axe-core finds that is serious or critical, in what a selector finds. All of a page
    takes seconds of a processor; the browser that somebody names always looks at all, and at the
    style sheets again.
    """
    part = WHOLE if IS_NAMED else part
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE.read_text())
    found = page.evaluate(
        "([part, isSparing]) => { const isSerious = ({impact}) => impact === 'serious'"
        " || impact === 'critical';"
        "const others = axe._audit.rules.filter((rule) => !isSerious(rule));"
        "const rules = Object.fromEntries(others.map(({id}) => [id, {enabled: false}]));"
        "const some = {preload: false, rules};"
        "return axe.run(part, {resultTypes: ['violations'], ...(isSparing ? some : {})})"
        ".then(({violations}) => violations.filter(isSerious)"
        ".map(({id, nodes}) => `${id}: ${nodes.map(({html}) => html).join(' | ')}`)); }",
        [part, not IS_NAMED],
    )
    return [str(one) for one in found]


def new_context(browser: Browser, size: ViewportSize = SIZE) -> BrowserContext:
    """A window without animations, unless somebody has named the browser."""
    context = browser.new_context(viewport=size, reduced_motion=MOTION, color_scheme="dark")
    context.set_default_timeout(LOADED_MS)
    return context


@contextmanager
def screen_on(browser: Browser, url: str, *, complaints: bool = False) -> Iterator[Screen]:
    """A logged-in window; it must not have complained by its end, unless that is expected."""
    context = new_context(browser)
    screen = Screen(context)
    try:
        screen.open(url)
        yield screen
    finally:
        context.close()
    assert complaints or screen.complaints == [], screen.complaints


def apart(work: Callable[[], Coroutine[object, object, T]]) -> T:
    """Run async work beside the browser, whose own loop has this thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(work())).result()
