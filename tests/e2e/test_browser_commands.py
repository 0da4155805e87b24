"""Commands and chat in a real browser, on the demo's satellite."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from nova.edge.user_store import UserStore
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.events.observation import Entity
from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova
from tests.core.commanding import descriptor
from tests.e2e.commander import SHOWN_MS, action, choose, choose_only, live, newest, submitted
from tests.e2e.demo_screen import Screen, apart, new_context
from tests.e2e.kept_screen import KeptScreen

pytestmark = pytest.mark.browser

SCOPE = "demo"
COMMANDS, CHAT = "[data-panel=commands]", "[data-panel=chat]"
SILENT = Entity("house", "cellar", "silent")
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """A demo whose satellite obeys, with a unit beside it that takes a command and never answers;
    and a user who may only look.
    """
    with running_nova(tmp_path_factory.mktemp("demo"), command="demo") as running:
        users = UserStore(running.data / "edge")
        admin = users.get("admin")
        assert admin is not None
        assert users.add("guest", admin.password_hash, "viewer")
        users.close()

        async def tell() -> None:
            transport = connect(running.publish)
            await transport.publish([descriptor("door.open", entity=SILENT, scope_id=SCOPE)])
            await transport.close()

        apart(tell)
        yield running
        running.kill()


@pytest.fixture
def screen(kept: KeptScreen, demo: RunningNova) -> Iterator[Screen]:
    """A window on the demo, LIVE, with the actions of an entity."""
    with kept.at(demo.url) as shown:
        shown.expect_state("LIVE")
        shown.page.get_by_test_id("commands-send").click()
        yield shown


# --- tests ----------------------------------------------------------------------------------------


def test_a_wrong_argument_is_refused_before_it_is_sent(screen: Screen) -> None:
    """Argument and rule are named, the field has the focus, and nothing leaves."""
    page = screen.page
    choose(page, "computer")
    form = action(page, "camera.capture")
    field = form.get_by_test_id("argument-exposureMs")
    expect(field).to_have_value("10")
    for text, rule in (("5000", "at most 1000"), ("0", "at least 0.1"), ("long", "a number")):
        field.fill(text)
        field.press("Enter")
        problem = form.get_by_test_id("argument-problem")
        expect(problem).to_contain_text("Exposure")
        expect(problem).to_contain_text(rule)
        expect(field).to_be_focused()
    choose(page, "temperature")
    form = action(page, "heater.set")
    form.get_by_test_id("send").click()
    expect(form.get_by_test_id("argument-problem")).to_contain_text("Heater (on) is required")
    assert submitted(screen, "camera.capture") == submitted(screen, "heater.set") == []


def test_the_heater_is_flipped_and_a_replay_of_that_minute_cannot(screen: Screen) -> None:
    """A-169, A-175, A-178, A-180: sent, progress, result; then the past, with nothing to press."""
    page = screen.page
    choose(page, "temperature")
    page.locator('[data-testid="card-action"][data-command="heater.set"]').click()
    form = action(page, "heater.set")
    expect(form.get_by_test_id("argument-on")).to_be_focused()
    states = watched(page)
    for value, words in (("true", "on"), ("false", "off")):
        form.get_by_test_id("argument-on").select_option(value)
        form.get_by_test_id("send").click()
        row = page.locator('[data-testid="card-row"][data-key="heaterOn"]')
        expect(row).to_contain_text(words, timeout=SHOWN_MS)
        expect(form.get_by_test_id("command-state")).to_have_text("success", timeout=SHOWN_MS)
        expect(form.get_by_test_id("command-words")).to_contain_text(f"heaterOn {value}")
    assert {"running", "success"} <= set(states())
    assert len({one["requestId"] for one in submitted(screen, "heater.set")}) == 2
    page.get_by_test_id("commands-history").click()
    expect(newest(page)).to_have_attribute("data-state", "success")
    newest(page).get_by_test_id("command-open").click()
    screen.expect_state("LIVE")
    page.get_by_test_id("event-detail").get_by_test_id("event-seek").click()
    screen.expect_state("PAUSED")
    expect(page.get_by_test_id("panel-inspector")).to_contain_text("CommandRequest")
    expect(newest(page)).to_have_attribute("data-state", "sent")
    expect(page.get_by_test_id("command-refusal")).to_contain_text("replay")
    page.get_by_test_id("commands-send").click()
    send = form.get_by_test_id("send")
    expect(send).to_have_attribute("aria-disabled", "true")
    expect(form.get_by_test_id("send-reason")).to_contain_text("replay")
    send.press("Enter")
    page.get_by_test_id("play").click()
    screen.expect_state("PLAYING")
    expect(newest(page)).to_have_attribute("data-state", "success", timeout=SHOWN_MS)
    expect(send).to_have_attribute("aria-disabled", "true")
    assert len(submitted(screen, "heater.set")) == 2
    page.get_by_test_id("command-refusal").get_by_role("button").click()
    screen.expect_state("LIVE")
    expect(send).to_have_attribute("aria-disabled", "false")


def watched(page: Page) -> WatchedFrames:
    """Note every state that a command of the page is shown in."""
    page.evaluate(
        "() => { const seen = window.seenStates = new Set(); new MutationObserver(() => {"
        "for (const one of document.querySelectorAll('[data-testid=command]'))"
        "seen.add(one.dataset.state); }).observe(document.body, {subtree: true, childList: true,"
        "attributes: true, attributeFilter: ['data-state']}); }"
    )
    return WatchedFrames(page)


class WatchedFrames:
    """The states that were seen."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def __call__(self) -> list[str]:
        """All so far."""
        return [str(one) for one in self._page.evaluate("[...window.seenStates]")]


def test_a_critical_command_asks_first(screen: Screen) -> None:
    """Escape and Cancel send nothing and give the focus back; the keys of the page are kept off."""
    page = screen.page
    choose(page, "computer")
    form = action(page, "mode.set")
    form.get_by_test_id("argument-mode").select_option("IMAGING")
    send = form.get_by_test_id("send")
    dialog = page.get_by_test_id("confirm")
    for key in ("Escape", "Enter"):
        send.press("Enter")
        expect(dialog).to_be_visible()
        expect(dialog).to_contain_text("imaging")
        expect(page.get_by_test_id("confirm-cancel")).to_be_focused()
        assert screen.serious("dialog") == []
        page.keyboard.press("r")
        page.keyboard.press("Tab")
        expect(page.get_by_test_id("confirm-send")).to_be_focused()
        page.keyboard.press("Shift+Tab")
        expect(page.get_by_test_id("confirm-cancel")).to_be_focused()
        page.keyboard.press(key)
        expect(dialog).to_have_count(0)
        expect(send).to_be_focused()
    screen.expect_state("LIVE")
    assert submitted(screen, "mode.set") == []
    send.press("Enter")
    page.get_by_test_id("confirm-send").click()
    expect(form.get_by_test_id("command-state")).to_have_text("success", timeout=SHOWN_MS)
    assert [one["payload"] for one in submitted(screen, "mode.set")] == [{"mode": "IMAGING"}]


def test_who_nobody_answers_stays_sent(screen: Screen) -> None:
    """A-179, A-180: no time-out makes a result of silence, nor does going away and coming back."""
    page = screen.page
    choose(page, "silent")
    form = action(page, "door.open")
    form.get_by_test_id("argument-payload").fill('["wide"]')
    form.get_by_test_id("send").click()
    expect(form.get_by_test_id("argument-problem")).to_contain_text("JSON object")
    form.get_by_test_id("argument-payload").fill('{"wide": true}')
    form.get_by_test_id("send").click()
    expect(newest(page)).to_have_attribute("data-state", "sent", timeout=SHOWN_MS)
    page.reload()
    live(screen)
    page.get_by_test_id("commands-history").click()
    told = page.get_by_test_id("command").filter(has_text="door.open")
    expect(told).to_have_attribute("data-state", "sent", timeout=SHOWN_MS)
    expect(told).to_contain_text("wide true")
    page.get_by_test_id("history-entity").select_option("chosen")
    choose_only(page, "computer")
    expect(told).to_have_count(0)
    marks = page.get_by_test_id("marks").locator('[data-kind="command"]')
    expect(marks.filter(has_text="door.open → silent: sent")).to_have_count(1, timeout=SHOWN_MS)


@contextmanager
def standing_still(process_id: int) -> Iterator[None]:
    """A process that does nothing for as long as the block runs."""
    os.kill(process_id, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process_id, signal.SIGCONT)


def test_a_stack_is_sent_one_by_one(screen: Screen, demo: RunningNova, tmp_path: Path) -> None:
    """Added, moved, edited, kept, exported; each leaves by a press and waits for the one before."""
    page = screen.page
    choose(page, "computer")
    form = action(page, "camera.capture")
    for text in ("20", "30", "40"):
        form.get_by_test_id("argument-exposureMs").fill(text)
        form.get_by_test_id("stack-add").click()
    page.get_by_test_id("commands-stack").click()
    stacked = page.get_by_test_id("stacked")
    expect(stacked).to_have_count(3)
    stacked.nth(0).get_by_test_id("stacked-down").click()
    expect(stacked.nth(0)).to_contain_text("30")
    stacked.nth(2).get_by_test_id("stacked-remove").click()
    stacked.nth(1).get_by_test_id("stacked-edit").click()
    form.get_by_test_id("argument-exposureMs").fill("25")
    form.get_by_test_id("stack-replace").click()
    page.get_by_test_id("commands-stack").click()
    expect(stacked.nth(1)).to_contain_text("25")
    page.reload()
    live(screen)
    page.get_by_test_id("commands-stack").click()
    expect(stacked).to_have_count(2)
    following = page.get_by_test_id("stack-next")
    expect(following).to_have_attribute("aria-disabled", "false", timeout=SHOWN_MS)
    with standing_still(demo.child("hardware")):  # However slow this page is: no result meanwhile.
        following.click()
        expect(page.get_by_test_id("stack-reason")).to_contain_text("waits for the result")
        following.press("Enter")
        assert len(submitted(screen, "camera.capture")) == 1
    expect(following).to_have_attribute("aria-disabled", "false", timeout=SHOWN_MS)
    following.click()
    expect(stacked.nth(1).get_by_test_id("command-state")).to_have_text("success", timeout=SHOWN_MS)
    sent = submitted(screen, "camera.capture")
    assert [one["payload"] for one in sent] == [{"exposureMs": 30}, {"exposureMs": 25}]
    with page.expect_download() as download:
        page.get_by_test_id("stack-export").click()
    kept = tmp_path / "stack.json"
    download.value.save_as(kept)
    found = msgspec.json.decode(kept.read_bytes(), type=dict[str, object])
    assert found["version"] == 1
    page.get_by_test_id("stack-clear").click()
    expect(stacked).to_have_count(0)
    take(page, kept)
    expect(stacked).to_have_count(2)
    kept.write_text('{"version": 1, "commands": [{"scopeId": "no id!"}]}')
    take(page, kept)
    expect(page.get_by_test_id("stack-trouble")).to_contain_text("commands[0].scopeId")


def take(page: Page, path: Path) -> None:
    """Import a stack."""
    with page.expect_file_chooser() as chooser:
        page.get_by_test_id("stack-import").click()
    chooser.value.set_files(path)


def test_a_lost_answer_is_asked_for_with_the_same_request(
    browser: Browser, demo: RunningNova
) -> None:
    """A-172: the page does not know whether it was sent, and asking again sends nothing twice."""
    with closing(new_context(browser)) as context:
        screen = Screen(context)
        page = screen.page
        lose = [True]

        def between(socket: object) -> None:
            edge = socket.connect_to_server()  # type: ignore[attr-defined]

            def passed(frame: str) -> None:
                if lose[0] and '"commandAck"' in frame:
                    lose[0] = False
                    socket.close()  # type: ignore[attr-defined]
                else:
                    socket.send(frame)  # type: ignore[attr-defined]

            edge.on_message(passed)

        page.route_web_socket(re.compile("/ws$"), between)
        screen.open(demo.url)
        live(screen)
        choose(page, "silent")
        form = action(page, "door.open")
        form.get_by_test_id("send").click()
        again = form.get_by_test_id("ask-again")
        # What events say of it comes with the next connection: then nothing is lost any more.
        expect(again.or_(form.get_by_test_id("became"))).to_be_visible(timeout=SHOWN_MS)
        expect(form.get_by_test_id("became")).to_contain_text("sent", timeout=SHOWN_MS)
        assert not lose[0]
        (request,) = {str(one["requestId"]) for one in submitted(screen, "door.open")}
        stored = apart(lambda: requests_to(demo.data, SILENT))
        assert stored.count(request) == 1
        expect(page.get_by_test_id("command")).to_have_count(len(stored))


async def requests_to(data: Path, entity: Entity) -> list[str]:
    """The requests to an entity that are stored."""
    query = Query(filters=Filters(lanes=["command"], unique_id=entity.unique_id))
    async with await Client.to_core(data) as client:
        stored = [msgspec.json.decode(event) async for event in client.query(query)]
    return [one["requestId"] for one in stored if one["messageType"] == "CommandRequest"]


def test_what_was_said_is_seen_by_others(
    browser: Browser, demo: RunningNova, screen: Screen
) -> None:
    """It is the scope's, with author and mark; a replay of before has neither it nor an entry."""
    page = screen.page
    with closing(new_context(browser)) as context:
        other = context.new_page()
        log_in_as_guest(other, demo.url)
        assert_only_sees(other)
        page.get_by_test_id("chat-input").fill("ready for the pass")
        page.get_by_test_id("chat-input").press("Enter")
        for seen in (other, page):
            said = seen.get_by_test_id("chat-message").filter(has_text="ready for the pass")
            expect(said).to_have_count(1, timeout=SHOWN_MS)
            expect(said).to_contain_text("admin")
            marks = seen.get_by_test_id("marks").locator('[data-kind="chat"]')
            expect(marks.filter(has_text="ready for the pass")).to_have_count(1, timeout=SHOWN_MS)
        expect(page.get_by_test_id("chat-input")).to_have_value("")
        screen.seek(screen.cursor_ns() - 60 * timestamps.NS_PER_SECOND)
        expect(said).to_have_count(0)
        expect(page.get_by_test_id("chat-input")).to_be_disabled()
        expect(page.get_by_test_id("chat-refusal")).to_contain_text("replay")


def log_in_as_guest(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_test_id("login-username").fill("guest")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    page.get_by_test_id("live").click()


def assert_only_sees(page: Page) -> None:
    """A-176: a viewer sees all and sends nothing; the buttons say why not."""
    choose(page, "temperature")
    form = action(page, "heater.set")
    expect(form.get_by_test_id("send")).to_have_attribute("aria-disabled", "true")
    expect(form.get_by_test_id("send-reason")).to_contain_text("Your role (viewer)")
    expect(page.get_by_test_id("chat-input")).to_be_disabled()
    expect(page.get_by_test_id("chat-refusal")).to_contain_text("Your role (viewer)")


@pytest.mark.parametrize("theme", ["dark", pytest.param("light", marks=pytest.mark.slow)])
def test_axe_finds_nothing_serious(screen: Screen, theme: str) -> None:
    """Forms with problems, the stack, the history, the chat: in both themes."""
    page = screen.page
    if theme == "light":
        page.get_by_label("Switch between dark and light").click()
    choose(page, "computer")
    form = action(page, "camera.capture")
    form.get_by_test_id("stack-add").click()
    form.get_by_test_id("argument-exposureMs").fill("5000")
    for part in ("send", "stack", "history"):
        page.get_by_test_id(f"commands-{part}").click()
        assert screen.serious(COMMANDS) == []
    screen.seek(screen.cursor_ns())
    page.get_by_test_id("commands-send").click()
    expect(page.get_by_test_id("command-refusal")).to_be_visible()
    assert screen.serious(COMMANDS) == screen.serious(CHAT) == []


def test_a_phone_has_both_in_tabs(screen: Screen) -> None:
    """In portrait a card's action leads to its form, and nothing is wider than the screen."""
    page = screen.page
    page.set_viewport_size(PHONE)
    page.get_by_test_id("tab-cards").click()
    page.get_by_test_id("card-choice").select_option("all")
    page.locator('[data-testid="card-action"][data-command="heater.set"]').click()
    expect(page.get_by_test_id("argument-on")).to_be_focused()
    for panel in ("commands", "chat"):
        page.get_by_test_id(f"tab-{panel}").click()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert screen.serious(f"[data-panel={panel}]") == []
