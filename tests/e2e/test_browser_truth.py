"""Accuracy of the page: markers at their times, what is LIVE, late data, and every digit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, expect

from nova.sdk import timestamps
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.timestamps import NS_PER_SECOND
from nova.testkit.running_nova import RunningNova, nova_command
from tests.e2e.demo_screen import Screen, apart, screen_on
from tests.e2e.kept_screen import KeptScreen
from tests.e2e.recorded_flight import EPS, SCOPE, SECONDS, publish, publish_now, second, update

pytestmark = pytest.mark.browser

HEATER = Entity("bus", "thermal", "heater")
GLOBAL = "__scope__"
SEQUENCE = 18_446_744_073_709_551_615
LATE_NS = 60 * NS_PER_SECOND
COMMAND_AT, GAP_AT, CHAT_AT = second(60), second(200), second(300)
MARK_ROW_PX = 7
COLOURS = {"command": "--lane-command", "gap": "--bad", "chat": "--accent"}


def marked_envelopes() -> Iterator[dict[str, object]]:
    """A command and its result, a gap in what was received, and something that a person said."""
    ids = {"systemId": GLOBAL, "containerId": GLOBAL, "uniqueId": GLOBAL}
    scope = {"scopeId": SCOPE, "lane": "metadata", **ids}
    told = {
        "scopeId": SCOPE,
        "lane": "command",
        "systemId": EPS.system_id,
        "containerId": EPS.container_id,
        "uniqueId": EPS.unique_id,
        "commandId": "c1",
        "targetId": "eps",
        "commandType": "Heat",
    }
    yield {
        **told,
        "sourceTruthTime": timestamps.text(COMMAND_AT),
        "messageType": "CommandRequest",
        "requestId": "r1",
        "timelineMode": "LIVE",
        "payload": {},
    }
    yield {
        **told,
        "sourceTruthTime": timestamps.text(COMMAND_AT + NS_PER_SECOND),
        "messageType": "CommandResult",
        "status": "success",
    }
    yield {
        **scope,
        "sourceTruthTime": timestamps.text(GAP_AT),
        "messageType": "IngestGap",
        "payload": {"link": "l", "topic": "t", "from": 5, "to": 9, "reason": "retention"},
    }
    yield {
        **scope,
        "sourceTruthTime": timestamps.text(CHAT_AT),
        "messageType": "ChatMessage",
        "authorDisplayName": "Ada",
        "content": "heater is on",
    }


def colour_at(screen: Screen, at_ns: int) -> tuple[int, ...]:
    """The colour of the row of marks at a time, as it is painted."""
    x = screen.x_of(at_ns) - screen.strip()["x"]
    painted = screen.page.evaluate(
        "([x, y]) => { const canvas = document.querySelector('[data-testid=strip] canvas');"
        "const ratio = canvas.width / canvas.clientWidth;"
        "return [...canvas.getContext('2d').getImageData(x * ratio, y * ratio, 1, 1).data]; }",
        [round(x), MARK_ROW_PX],
    )
    return tuple(painted[:3])


def colour_of(screen: Screen, name: str) -> tuple[int, ...]:
    """A colour of the theme."""
    text = screen.page.evaluate(
        "name => getComputedStyle(document.documentElement).getPropertyValue(name).trim()", name
    )
    return tuple(bytes.fromhex(text.removeprefix("#")))


def test_commands_gaps_and_chat_are_marked_at_their_times(
    kept: KeptScreen, shaken: RunningNova, tmp_path: Path
) -> None:
    """Each sign is painted where its event is, and the pointer reads what it is about."""
    file = tmp_path / "marks.jsonl"
    file.write_bytes(b"\n".join(msgspec.json.encode(one) for one in marked_envelopes()))
    made = nova_command("import", str(file), "--to", shaken.publish)  # Only a Core says gaps.
    assert made.returncode == 0, made.stderr.decode()
    first, last = timestamps.text(second(0)), timestamps.text(second(360))
    moment = f"t={timestamps.text(second(250))}&tb=source&from={first}&to={last}"
    with kept.at(shaken.url, moment) as screen:
        marks = screen.page.get_by_test_id("marks").locator("li")
        expect(marks).to_have_count(3)
        expect(marks.and_(screen.page.locator('[data-kind="gap"]'))).to_contain_text("5 to 9")
        for kind, at_ns in {"command": COMMAND_AT, "gap": GAP_AT, "chat": CHAT_AT}.items():
            assert colour_at(screen, at_ns) == colour_of(screen, COLOURS[kind]), kind
            assert colour_at(screen, at_ns + 20 * NS_PER_SECOND) == (0, 0, 0), kind
        tip = screen.page.get_by_test_id("tip")
        for at_ns, words in {
            COMMAND_AT: "Heat → eps: success",
            GAP_AT: "gap in t: 5 to 9 (retention)",
            CHAT_AT: "Ada: heater is on",
        }.items():
            screen.page.mouse.move(screen.x_of(at_ns), screen.middle_y())
            expect(tip).to_contain_text(words)


def test_live_replay_and_live_again_are_explicit(browser: Browser, shaken: RunningNova) -> None:
    """A-158, A-159: one state at a time, and nothing goes LIVE by itself."""
    with screen_on(browser, shaken.url) as screen:
        screen.expect_state("LIVE")
        assert screen.starts()[-1]["timelineMode"] == "LIVE"
        apart(lambda: publish_now(shaken.publish, 4711))
        screen.expect_count(4711)
        screen.page.get_by_test_id("replay").click()
        screen.expect_state("PAUSED")
        screen.seek(second(SECONDS - 2))
        screen.expect_count(SECONDS - 2)
        screen.page.get_by_test_id("rate").select_option("max")
        screen.page.get_by_test_id("play").click()
        screen.wait_for_cursor("after", second(SECONDS))
        screen.expect_state("PAUSED")
        screen.seek(second(10))
        assert timestamps.parse(clock_after_live(screen)) > second(SECONDS)
        screen.expect_state("LIVE")
        screen.expect_count(4711)


def clock_after_live(screen: Screen) -> str:
    """What the clock shows in the next picture after LIVE was pressed, before anything has come."""
    return str(
        screen.page.evaluate(
            "() => { document.body.dispatchEvent("
            "new KeyboardEvent('keydown', {key: 'l', bubbles: true}));"
            "return new Promise(show => requestAnimationFrame(() => setTimeout(() => show("
            "document.querySelector('[data-testid=cursor]').dataset.time)))); }"
        )
    )


@pytest.mark.parametrize(("timebase", "number"), [("source", 1), ("canonical", 2)])
def test_late_data_never_moves_a_live_value_backwards(
    kept: KeptScreen, shaken: RunningNova, timebase: str, number: int
) -> None:
    """An event that comes late changes nothing of what is newer; what comes after it is shown."""
    with kept.at(shaken.url, f"state=live&tb={timebase}") as screen:
        screen.expect_state("LIVE")
        apart(lambda: publish_now(shaken.publish, 9000 + number))
        screen.expect_count(9000 + number)
        old_ns = screen.cursor_ns() - LATE_NS
        late = partial(late_and_more, old_ns=old_ns, number=number)
        apart(lambda: publish(shaken.publish, late))
        other = screen.page.locator('[data-testid="latest-row"][data-key="after"] td')
        expect(other).to_have_text(str(number))
        screen.expect_count(9000 + number)


def late_and_more(producer: Producer, old_ns: int, number: int) -> Iterable[Event]:
    """An event of a minute ago, and one of now of another view, by which it is known to be in."""
    yield update(producer, 17, old_ns)
    yield producer.observe(EPS).ui("marker", "marker", "1", {"after": number})


def test_a_sequence_of_64_bits_keeps_every_digit(kept: KeptScreen, shaken: RunningNova) -> None:
    """What is read and copied is the stored event, to the last digit."""
    at_ns = second(700)
    apart(
        lambda: publish(
            shaken.publish,
            lambda producer: [producer.observe(EPS, at_ns).raw(b"frame", "dish", SEQUENCE)],
        )
    )
    moment = f"t={timestamps.text(at_ns)}&tb=source"
    with kept.at(shaken.url, moment) as screen:
        screen.page.get_by_test_id("lane-raw").click()
        screen.page.get_by_test_id("event-row").first.click()
        detail = screen.page.get_by_test_id("event-detail")
        detail.get_by_test_id("event-face").click()
        expect(detail.get_by_test_id("json-view")).to_contain_text(f"sequence: {SEQUENCE}")
        screen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        detail.get_by_test_id("copy-envelope").click()
        expect(detail.get_by_role("status")).to_have_text("Envelope copied.")
        envelope = json.loads(screen.page.evaluate("navigator.clipboard.readText()"))
        assert envelope["sequence"] == SEQUENCE
