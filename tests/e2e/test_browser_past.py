"""A page that looks at the past has said so to the server: nothing is taken on its own socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from nova.sdk.timestamps import NS_PER_SECOND
from nova.testkit.running_nova import RunningNova, running_nova
from tests.e2e.screen import Screen

pytestmark = pytest.mark.browser

KEEP_SOCKET = (
    "window.WebSocket = class extends WebSocket {"
    "constructor(...given) { super(...given); window.novaSocket = this; } };"
)
SAY = (
    "() => new Promise((resolve) => { const socket = window.novaSocket; const ref = 'said';"
    "const hear = (event) => { const reply = JSON.parse(event.data); if (reply.ref !== ref) return;"
    "socket.removeEventListener('message', hear); resolve(reply.code ?? reply.type); };"
    "socket.addEventListener('message', hear);"
    "socket.send(JSON.stringify({type: 'submitChat', ref, scopeId: 'demo', content: 'psst',"
    "timelineMode: 'LIVE'})); })"
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """A demo."""
    with running_nova(tmp_path_factory.mktemp("demo"), command="demo") as running:
        yield running
        running.kill()


def stated(screen: Screen) -> int:
    """How often the page has said where its clock stands."""
    return sum(message["type"] == "setCursor" for message in screen.sent)


def test_a_paused_page_is_in_replay_for_the_server_too(browser: Browser, demo: RunningNova) -> None:
    """Issue 14 §2.4: whatever is sent on its socket, until it is LIVE again."""
    context = browser.new_context()
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
    before = stated(screen)
    page.evaluate("() => window.novaSocket.close()")
    while stated(screen) == before:
        page.wait_for_timeout(50)
    assert page.evaluate(SAY) == "replayRefused"
    page.get_by_test_id("live").click()
    screen.expect_state("LIVE")
    page.wait_for_function(f"async () => await ({SAY})() === 'chatAck'")
    context.close()
