"""An operator's first minutes with the demo, in a real browser: what it opens on, log in, watch, go
back, and return to the present. Tests that only look at the demo stand here: they share one.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from nova.sdk import timestamps
from nova.sdk.timestamps import NS_PER_SECOND
from nova.testkit.running_nova import PASSWORD, RunningNova
from tests.e2e.demo_page import SHOWN_MS, choose, reload_own
from tests.e2e.demo_screen import Screen, new_context, serious

pytestmark = pytest.mark.browser

BACK_S = 120


def value_of(page: Page, key: str) -> Locator:
    """A value of the selected entity's ui view."""
    series = page.locator('[data-testid="latest-series"][data-series^="ui "]')
    return series.locator(f'[data-testid="latest-row"][data-key="{key}"] td')


def cursor_ns(page: Page) -> int:
    """Where the clock is."""
    text = page.get_by_test_id("cursor").get_attribute("data-time")
    assert text is not None
    return timestamps.parse(text)


def wait_for_cursor(page: Page, condition: str, bound_ns: int) -> None:
    """Wait until the clock is before or after a moment (to the millisecond)."""
    page.wait_for_function(
        "([condition, bound]) => { const at = Date.parse(document.querySelector("
        "'[data-testid=cursor]').dataset.time.replace(/(\\.\\d{3})\\d+/, '$1'));"
        "return condition === 'before' ? at < bound : at > bound; }",
        arg=[condition, bound_ns // 1_000_000],
    )


def test_live_values_change_and_the_past_can_be_played(page: Page, tmp_path: Path) -> None:
    """A-154…A-161: live, REPLAY, seek, backwards, LIVE again; the screen follows the clock."""
    state = page.get_by_test_id("state")
    expect(state).to_have_text("LIVE")
    choose(page, "gps")
    latitude = value_of(page, "latitude")
    before = latitude.inner_text()
    expect(latitude).not_to_have_text(before)

    page.get_by_test_id("replay").click()
    expect(state).to_have_text("PAUSED")
    now_ns = cursor_ns(page)
    target_ns = now_ns - BACK_S * timestamps.NS_PER_SECOND
    page.get_by_test_id("seek-input").fill(timestamps.text(target_ns))
    page.get_by_test_id("seek-go").click()
    expect(page.get_by_test_id("cursor")).to_have_attribute("data-time", timestamps.text(target_ns))
    there = latitude.inner_text()

    page.get_by_test_id("rate").select_option("10")
    page.get_by_test_id("play").click()
    expect(state).to_have_text("PLAYING")
    wait_for_cursor(page, "after", target_ns + 20 * timestamps.NS_PER_SECOND)
    expect(latitude).not_to_have_text(there)

    page.get_by_test_id("direction").click()
    turned_ns = cursor_ns(page)
    wait_for_cursor(page, "before", turned_ns - 10 * timestamps.NS_PER_SECOND)
    expect(state).to_have_text("PLAYING")
    newest = page.get_by_test_id("event-row").first.get_attribute("data-time")
    assert newest is not None and timestamps.parse(newest) <= turned_ns

    page.get_by_test_id("live").click()
    expect(state).to_have_text("LIVE")
    wait_for_cursor(page, "after", now_ns)
    screenshot = page.screenshot(path=str(tmp_path / "live.png"))
    assert len(screenshot) > 10_000


def test_values_at_a_moment_are_the_same_from_either_side(page: Page) -> None:
    """A-144, A-162: seeking to one moment shows one state, whatever was shown before."""
    choose(page, "gps")
    page.get_by_test_id("replay").click()
    moment_ns = cursor_ns(page) - BACK_S * timestamps.NS_PER_SECOND
    found: list[str] = []
    for detour_s in (-60, 60):
        for at_ns in (moment_ns + detour_s * timestamps.NS_PER_SECOND, moment_ns):
            page.get_by_test_id("seek-input").fill(timestamps.text(at_ns))
            page.get_by_test_id("seek-go").click()
            expect(page.get_by_test_id("event-row").first).to_be_visible()
            expect(value_of(page, "latitude")).to_be_visible()
        page.wait_for_load_state("networkidle")
        found.append(value_of(page, "latitude").inner_text())
    assert found[0] == found[1]


def test_everything_fits_and_the_keyboard_works(page: Page) -> None:
    """Readable at 1280x720 without scrolling the page; space, L and ? act."""
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    state = page.get_by_test_id("state")
    page.keyboard.press("?")
    expect(page.get_by_test_id("help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("help")).to_be_hidden()
    page.keyboard.press("Space")
    expect(state).to_have_text("PAUSED")
    page.keyboard.press("Space")
    expect(state).to_have_text(re.compile("PLAYING|PAUSED"))
    page.keyboard.press("l")
    expect(state).to_have_text("LIVE")


# --- what it opens on before anybody has pressed anything ------------------------------------

DESKTOP = (1280, 720)
DESKTOPS = [DESKTOP, pytest.param((1920, 1080), marks=pytest.mark.slow)]
PHONE = (390, 844)


def opened(browser: Browser, url: str, size: tuple[int, int], guess: str = "") -> Page:
    """The page after logging in, and nothing else. Whoever guesses at the password is refused, and
    learns nothing else (A-269).
    """
    page = new_context(browser, {"width": size[0], "height": size[1]}).new_page()
    page.goto(url)
    page.get_by_test_id("login-username").fill("admin")
    if guess:
        page.get_by_test_id("login-password").fill(guess)
        page.get_by_test_id("login-submit").click()
        expect(page.get_by_test_id("login-error")).not_to_be_empty()
        expect(page.get_by_test_id("entity-row")).to_have_count(0)
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    return page


def expect_plots(page: Page) -> None:
    """The battery's charge and power and the temperatures are lines with values."""
    lines = page.get_by_test_id("plot-line")
    expect(lines).to_have_count(5, timeout=SHOWN_MS)
    expect(lines.first).to_contain_text("battery")
    expect(lines.first.locator(".reading")).to_have_text(re.compile(r"\d"), timeout=SHOWN_MS)


def expect_on_screen(page: Page, test_id: str) -> None:
    """All of it is in sight, without scrolling the page."""
    box, size = page.get_by_test_id(test_id).first.bounding_box(), page.viewport_size
    assert box is not None and size is not None
    assert box["x"] >= 0 and box["x"] + box["width"] <= size["width"]
    assert box["y"] >= 0 and box["y"] + box["height"] <= size["height"]


@pytest.mark.parametrize("size", DESKTOPS, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_demo_opens_on_battery_orbit_and_heater(
    browser: Browser, demo: RunningNova, size: tuple[int, int]
) -> None:
    """Plots, ground track and the heater's form at once, with no press; what a person chose instead
    stays.
    """
    page = opened(browser, demo.url, size, guess="wrong")
    expect_plots(page)
    expect(page.get_by_test_id("track-place")).to_contain_text("gps", timeout=SHOWN_MS)
    expect(page.get_by_test_id("track-here")).to_be_attached(timeout=SHOWN_MS)
    heater = page.locator('[data-testid="action"][data-command="heater.set"]')
    expect(heater.get_by_role("button", name="Send")).to_be_visible(timeout=SHOWN_MS)
    second = page.locator(".column").nth(1).locator("[data-panel]")
    panels = [panel.get_attribute("data-panel") for panel in second.all()]
    assert panels == ["plots", "track"]
    for shown in ("plot-canvas", "track-map", "panel-commands"):
        expect_on_screen(page, shown)
    assert serious(page) == []
    # A plot that is taken away does not come back.
    page.get_by_test_id("remove-plot").first.click()
    expect(page.get_by_test_id("plot-line")).to_have_count(4)
    reload_own(page)
    expect(page.get_by_test_id("plot-line")).to_have_count(4, timeout=SHOWN_MS)
    page.context.close()


def test_the_demo_opens_on_plots_where_there_is_room_for_one_panel(
    browser: Browser, demo: RunningNova
) -> None:
    """A phone shows one panel; the others are a tab away, and nothing is wider than the screen."""
    page = opened(browser, demo.url, PHONE)
    expect_plots(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_test_id("tab-track").click()
    expect(page.get_by_test_id("track-place")).to_contain_text("gps", timeout=SHOWN_MS)
    page.get_by_test_id("tab-commands").click()
    expect(page.locator('[data-command="heater.set"]')).to_be_visible()
    page.context.close()


# --- a page that looks at the past has said so to the server ----------------------------------

KEEP_SOCKET = (
    "window.WebSocket = class extends WebSocket {"
    "constructor(...given) { super(...given); window.novaSocket = this; this.said = ''; }"
    "send(text) { super.send(text); this.said += text; } };"
)
SAY = (
    "() => new Promise((resolve) => { const socket = window.novaSocket; const ref = 'said';"
    "const hear = (event) => { const reply = JSON.parse(event.data); if (reply.ref !== ref) return;"
    "socket.removeEventListener('message', hear); resolve(reply.code ?? reply.type); };"
    "socket.addEventListener('message', hear);"
    "socket.send(JSON.stringify({type: 'submitChat', ref, scopeId: 'demo', content: 'psst',"
    "timelineMode: 'LIVE'})); })"
)


HAS_STATED_AGAIN = (
    "() => window.novaSocket !== window.closedSocket"
    " && window.novaSocket.said.includes('setCursor')"
)


def test_a_paused_page_is_in_replay_for_the_server_too(browser: Browser, demo: RunningNova) -> None:
    """The server refuses every submission on its socket until the page is LIVE again."""
    context = new_context(browser)
    context.add_init_script(KEEP_SOCKET)
    screen = Screen(context)
    screen.open(demo.url)
    page = screen.page
    screen.expect_state("LIVE")
    assert page.evaluate(SAY) == "chatAck"
    page.keyboard.press("Space")
    screen.expect_state("PAUSED")
    assert page.evaluate(SAY) == "replayRefused"
    screen.seek(screen.cursor_ns() - 5 * NS_PER_SECOND)
    assert page.evaluate(SAY) == "replayRefused"
    # On a new connection the page says it again.
    page.evaluate("() => { window.closedSocket = window.novaSocket; window.closedSocket.close(); }")
    page.wait_for_function(HAS_STATED_AGAIN)
    assert page.evaluate(SAY) == "replayRefused"
    page.get_by_test_id("live").click()
    screen.expect_state("LIVE")
    page.wait_for_function(f"async () => await ({SAY})() === 'chatAck'")
    context.close()
