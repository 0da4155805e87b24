"""TCP streams on the page: set up by keyboard, tied to its timeline, read with real sockets."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from nova.edge.user_store import UserStore
from nova.testkit.ports import free_port
from nova.testkit.running_nova import PASSWORD, RunningNova
from tests.e2e.demo_screen import LOADED_MS, THEMES, Screen, new_context, screen_on, serious
from tests.e2e.kept_screen import KeptScreen
from tests.e2e.recorded_flight import second

pytestmark = pytest.mark.browser

SETUP = "Setup Streams"
TABS_MAX = 60
WAIT_S = 60.0
SILENCE_S = 1.0


@pytest.fixture
def screen(kept: KeptScreen, recorded: RunningNova) -> Iterator[Screen]:
    with kept.at(recorded.url) as screen:
        yield screen


def shield(page: Page, name: str) -> Locator:
    return page.get_by_test_id("shield").filter(has_text=name)


def card(page: Page, name: str) -> Locator:
    return page.get_by_role("article", name=name, exact=True)


def control(page: Page, name: str, request: str) -> Locator:
    """A button of a card."""
    return card(page, name).locator(f'[data-testid="card-control"][data-request="{request}"]')


def open_card(page: Page, name: str) -> None:
    shield(page, name).click()
    expect(card(page, name)).to_be_visible()


def create(page: Page, name: str, *, lane: str | None = None, **fields: str) -> int:
    """Create a stream on the page; its port."""
    port = free_port()
    open_card(page, SETUP)
    control(page, SETUP, "createTcpStream").click()
    for path, value in {"name": name, "port": str(port), **fields}.items():
        field = page.get_by_test_id(f"argument-definition.{path}")
        if field.evaluate("one => one.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    if lane is not None:
        page.get_by_test_id(f"choice-{lane}").click()
    page.get_by_test_id("request-send").click()
    expect(shield(page, name)).to_be_visible()
    return port


def delete(page: Page, name: str) -> None:
    open_card(page, name)
    control(page, name, "deleteTcpStream").click()
    page.get_by_test_id("question-confirm").click()
    expect(shield(page, name)).to_have_count(0)


class LineClient:
    """What `nc` would print: whole lines of a stream, as they come."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
        self._rest = b""

    def __enter__(self) -> LineClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def counts(self, until: int) -> list[int]:
        """The counts of the recording that come, up to one of them."""
        found: list[int] = []
        self._socket.settimeout(WAIT_S)
        while not found or found[-1] != until:
            found += self._read()
        return found

    def counts_beyond(self, bound: int) -> list[int]:
        """The counts that come, up to one after a bound."""
        found: list[int] = []
        self._socket.settimeout(WAIT_S)
        while not found or found[-1] <= bound:
            found += self._read()
        return found

    def expect_silence(self) -> None:
        """Nothing comes for a while."""
        self._socket.settimeout(SILENCE_S)
        with pytest.raises(TimeoutError):
            self._read()

    def expect_end(self) -> None:
        """The stream ends with the line that says so."""
        self._socket.settimeout(WAIT_S)
        received = self._rest
        while more := self._socket.recv(65_536):
            received += more
        assert json.loads(received.splitlines()[-1])["type"] == "streamCancelled"

    def _read(self) -> list[int]:
        received = self._socket.recv(65_536)
        assert received, "the stream has ended"
        *lines, self._rest = (self._rest + received).split(b"\n")
        return [json.loads(line)["p"]["count"] for line in lines]


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(TABS_MAX):
        if target.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{target} is not reached by Tab")


def test_a_stream_is_set_up_and_tied_by_keyboard(screen: Screen) -> None:
    """Its client gets what the page replays, and nothing while the page pauses."""
    page, port = screen.page, free_port()
    expect(shield(page, SETUP)).to_be_visible()
    shield(page, SETUP).focus()
    page.keyboard.press("Enter")
    tab_to(page, control(page, SETUP, "createTcpStream"))
    page.keyboard.press("Enter")
    for path, text in (("name", "keys"), ("port", "none"), ("filters.systemId", "bus")):
        tab_to(page, page.get_by_test_id(f"argument-definition.{path}"))
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("argument-problem")).to_contain_text("must be an integer")
    page.keyboard.press("Control+A")  # The field with the problem has the focus.
    page.keyboard.type(str(port))
    tab_to(page, page.get_by_test_id("choice-ui"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_test_id("request-send"))
    page.keyboard.press("Enter")
    expect(control(page, SETUP, "createTcpStream")).to_be_focused()
    expect(card(page, SETUP).get_by_test_id("table-row")).to_have_attribute("data-name", "keys")
    shield(page, "keys").focus()
    page.keyboard.press("Enter")
    screen.seek(second(100))
    with LineClient(port) as reader:
        tab_to(page, control(page, "keys", "tieTcpStream"))
        page.keyboard.press("Enter")
        expect(shield(page, "keys")).to_contain_text("tied")
        reader.expect_silence()
        page.get_by_test_id("play").click()
        found = reader.counts(until=103)
        assert found == list(range(found[0], 104)) and found[0] in (100, 101)
        page.get_by_test_id("play").click()
        screen.expect_state("PAUSED")
        expect(card(page, "keys").locator('[data-key="connections"]')).to_contain_text("1")
    delete(page, "keys")


def test_another_rate_and_a_pause_repeat_and_skip_nothing(screen: Screen) -> None:
    """The client has what was on its way to the page when it chose the rate or paused."""
    page = screen.page
    port = create(page, "rates", lane="ui")
    open_card(page, "rates")
    screen.seek(second(0))
    with LineClient(port) as reader:
        control(page, "rates", "tieTcpStream").click()
        expect(shield(page, "rates")).to_contain_text("tied")
        page.get_by_test_id("rate").select_option("60")
        page.get_by_test_id("play").click()
        for seconds in range(4, 100, 4):
            screen.wait_for_cursor("after", second(seconds))
            page.get_by_test_id("rate").select_option("10" if seconds % 8 else "60")
            if seconds % 12 == 0:
                page.get_by_test_id("play").click()
                screen.expect_state("PAUSED")
                page.get_by_test_id("play").click()
        found = reader.counts_beyond(120)
        assert found == list(range(found[0], found[-1] + 1)) and found[0] in (0, 1)
        page.get_by_test_id("play").click()
    delete(page, "rates")


def test_the_last_page_that_ties_has_the_stream(
    browser: Browser, recorded: RunningNova, screen: Screen
) -> None:
    """The one before gets a notice, and so does the one that reloads; either may tie again."""
    first = screen.page
    create(first, "shared")
    open_card(first, "shared")
    control(first, "shared", "tieTcpStream").click()
    expect(shield(first, "shared")).to_contain_text("tied")
    with screen_on(browser, recorded.url) as other:
        open_card(other.page, "shared")
        control(other.page, "shared", "tieTcpStream").click()
        expect(first.get_by_test_id("lost-tie")).to_contain_text("follows the timeline of admin")
        expect(other.page.get_by_test_id("lost-tie")).to_have_count(0)
    expect(first.get_by_test_id("lost-tie")).to_contain_text("follows the present")
    first.get_by_test_id("tie-again").click()
    expect(first.get_by_test_id("lost-tie")).to_have_count(0)
    expect(shield(first, "shared")).to_contain_text("tied")
    first.reload()
    expect(first.get_by_test_id("lost-tie")).to_contain_text("shared", timeout=LOADED_MS)
    expect(shield(first, "shared")).to_contain_text("live")
    first.get_by_test_id("tie-again").click()
    expect(shield(first, "shared")).to_contain_text("tied")
    open_card(first, "shared")
    control(first, "shared", "untieTcpStream").click()
    expect(shield(first, "shared")).to_contain_text("live")
    expect(first.get_by_test_id("lost-tie")).to_have_count(0)
    delete(first, "shared")


def test_delete_asks_and_refusals_are_shown(screen: Screen) -> None:
    """A form keeps what was typed; a stopped stream has no clients."""
    page = screen.page
    port = create(page, "asked")
    with LineClient(port) as reader:
        open_card(page, "asked")
        control(page, "asked", "deleteTcpStream").click()
        expect(page.get_by_test_id("question")).to_be_visible()
        expect(page.get_by_test_id("question")).to_contain_text("Delete asked?")
        page.keyboard.press("Escape")
        expect(page.get_by_test_id("question")).to_have_count(0)
        control(page, "asked", "stopTcpStream").click()
        reader.expect_end()
    expect(shield(page, "asked")).to_contain_text("stopped")
    control(page, "asked", "editTcpStream").click()
    page.get_by_test_id("argument-definition.format").select_option("payloadOnly")
    page.get_by_test_id("request-send").click()
    expect(page.get_by_test_id("request-refusal")).to_contain_text("add systemId, containerId")
    for path, value in (("systemId", "bus"), ("containerId", "power"), ("uniqueId", "eps")):
        page.get_by_test_id(f"argument-definition.filters.{path}").fill(value)
    page.get_by_test_id("argument-definition.framing").select_option("length4")
    page.get_by_test_id("request-send").click()
    expect(page.get_by_test_id("request-form")).to_have_count(0)
    expect(shield(page, "asked")).to_contain_text("bus/power/eps")
    delete(page, "asked")


def test_a_stream_that_another_page_deletes_is_missed_aloud(
    browser: Browser, recorded: RunningNova, screen: Screen
) -> None:
    """While its form is open here, and while it follows this page; not where it was deleted."""
    first = screen.page
    for name in ("edited", "followed"):
        create(first, name)
    open_card(first, "followed")
    control(first, "followed", "tieTcpStream").click()
    expect(shield(first, "followed")).to_contain_text("tied")
    open_card(first, "edited")
    control(first, "edited", "editTcpStream").click()
    expect(first.get_by_test_id("request-form")).to_be_visible()
    with screen_on(browser, recorded.url) as other:
        for name in ("edited", "followed"):
            delete(other.page, name)
            said = first.locator(f'[data-testid="gone-stream"][data-name="{name}"]')
            expect(said).to_contain_text(f"The stream {name} is gone")
        expect(other.page.get_by_test_id("gone-stream")).to_have_count(0)
    for left in (1, 0):
        first.get_by_test_id("gone-stream").get_by_role("button").first.click()
        expect(first.get_by_test_id("gone-stream")).to_have_count(left)


def test_a_viewer_sees_the_public_ones_only(
    browser: Browser, recorded: RunningNova, screen: Screen
) -> None:
    """And may change none of them."""
    create(screen.page, "private")
    create(screen.page, "public", visibility="public")
    with UserStore(recorded.data / "edge") as users:
        admin = users.get("admin")
        assert admin is not None and users.add("vic", admin.password_hash, "viewer")
    page = new_context(browser).new_page()
    page.goto(recorded.url)
    page.get_by_test_id("login-username").fill("vic")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    expect(shield(page, "public")).to_be_visible(timeout=LOADED_MS)
    expect(shield(page, "private")).to_have_count(0)
    open_card(page, "public")
    expect(page.get_by_test_id("card-control")).to_have_count(0)
    page.context.close()
    delete(screen.page, "private")
    delete(screen.page, "public")


def test_axe_finds_nothing_serious(screen: Screen) -> None:
    """In the cards, the form and the question, in every theme."""
    page = screen.page
    create(page, "seen")
    for _ in THEMES:
        open_card(page, SETUP)
        control(page, SETUP, "createTcpStream").click()
        assert serious(page, "[data-panel=cards]") == []
        control(page, SETUP, "createTcpStream").click()
        open_card(page, "seen")
        control(page, "seen", "deleteTcpStream").click()
        expect(page.get_by_test_id("question")).to_be_visible()
        assert serious(page, "dialog") == []
        page.keyboard.press("Escape")
        page.get_by_label("Switch between dark and light").click()
    delete(page, "seen")
