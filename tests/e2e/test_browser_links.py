"""The links in a real browser: an outage is reported at once, with its details."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from nova.testkit import nats
from nova.testkit.nats_server import NatsServer
from nova.testkit.running_nova import PASSWORD, running_nova
from tests.e2e.demo_screen import new_context
from tests.sdk.alarms.test_alarm_rule_files import SOUND, write_rules

pytestmark = [pytest.mark.browser, pytest.mark.nats]

SHOWN_MS = 60_000
LOST = re.compile("does not answer since .* The archive is served")


@pytest.fixture
def server() -> Iterator[NatsServer]:
    """A NATS of one's own, to be killed."""
    with nats.own_server() as server:
        yield server


def test_a_link_that_goes_and_comes_back_is_seen(
    tmp_path: Path, browser: Browser, server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pitfalls row 12: the page says what happened, while it lasts and afterwards. The panel also
    shows the rules in effect, and the faults of their files.
    """
    rules = tmp_path / "rules"
    rules.mkdir()
    write_rules(rules, "power", SOUND)
    (rules / "wrong.toml").write_text("[[rules")
    monkeypatch.setenv("NOVA_ALARM_RULES", str(rules))
    with running_nova(tmp_path / "data", "--ground", "--transport", server.url) as nova:
        page = new_context(browser).new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(nova.url)
        page.get_by_test_id("login-username").fill("admin")
        page.get_by_test_id("login-password").fill(PASSWORD)
        page.get_by_test_id("login-submit").click()
        expect(page.get_by_test_id("links-chip")).to_contain_text("1 link", timeout=SHOWN_MS)
        expect(page.get_by_test_id("banner")).to_be_hidden(timeout=SHOWN_MS)
        server.kill()
        expect(page.get_by_test_id("banner")).to_contain_text(LOST, timeout=SHOWN_MS)
        page.keyboard.press("k")
        link = page.get_by_test_id("link")
        expect(link).to_have_attribute("data-connection", "unreachable")
        configured = page.get_by_test_id("configured-rules")
        expect(configured).to_contain_text("1 alarm rule in effect", timeout=SHOWN_MS)
        expect(configured).to_contain_text("wrong.toml: is not TOML")
        server.start()
        expect(link).to_have_attribute("data-connection", "connected", timeout=SHOWN_MS)
        expect(page.get_by_test_id("link-outages")).to_contain_text("1 outage")
        page.keyboard.press("Escape")
        expect(page.get_by_test_id("links")).to_be_hidden()
        expect(page.get_by_test_id("banner")).to_be_hidden(timeout=SHOWN_MS)
        assert complaints == []
        nova.kill()
