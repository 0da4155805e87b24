"""Shields and cards in a real browser: drawn from manifests and updates alone, as of the clock."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from nova.edge.user_store import UserStore
from nova.sdk import timestamps
from nova.sdk.timestamps import NS_PER_SECOND
from nova.testkit.running_nova import PASSWORD, RunningNova
from tests.e2e.demo_screen import SIZE, Screen, new_context, serious
from tests.e2e.kept_screen import KeptScreen
from tests.e2e.water import (
    PHONE_HEIGHT,
    PHONE_WIDTH,
    SECONDS,
    SHOWN_MS,
    SNAPSHOT,
    START_NS,
    STORY,
    Snapshot,
    Texts,
    card,
    folded,
    publish,
    row,
    settled,
    shield,
    show_all,
    update,
    water,
)

pytestmark = pytest.mark.browser

MOMENTS = 8


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """One that holds the story."""
    folder = tmp_path_factory.mktemp("water")
    with water(folder) as nova:
        publish(nova, folder, Random(6).sample(STORY, len(STORY)))
        yield nova


@pytest.fixture
def screen(kept: KeptScreen, recorded: RunningNova) -> Iterator[Screen]:
    """A window on the story, paused at its end, with all cards."""
    end_ns = START_NS + SECONDS * NS_PER_SECOND
    with kept.at(recorded.url, f"t={timestamps.text(end_ns)}&tb=source") as shown:
        shown.expect_cursor(end_ns)
        show_all(shown.page)
        settled(shown.page)
        yield shown


@pytest.fixture(scope="module")
def present(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """One whose pumps tests run now."""
    with water(tmp_path_factory.mktemp("present")) as nova:
        yield nova


# --- tests ----------------------------------------------------------------------------------------


def test_a_manifest_of_the_users_is_a_card_and_no_other_file_is_touched(screen: Screen) -> None:
    """A-226, A-232: one file in a folder gives titles, units, precision, labels and groups."""
    page = screen.page
    wanted = folded(START_NS + SECONDS * NS_PER_SECOND)
    for unit in ("north", "south"):
        assert settled(page).cards[unit] == wanted[unit]
        expect(card(page, unit)).to_contain_text("Water pump")
        expect(card(page, unit)).to_have_attribute("data-default", "false")
        expect(row(page, unit, "flow")).to_contain_text("Flow")
        expect(row(page, unit, "flow")).to_contain_text(re.compile(r"\d\.\d l/s"))
        expect(row(page, unit, "turns")).to_contain_text(re.compile(r"\d{4} 1/min"))
        expect(shield(page, unit)).to_contain_text(f"Flow{wanted[unit]['flow']} l/s")
    titles = card(page, "north").locator(".card-group")
    expect(titles).to_have_text(["Water", "Motor"])
    card(page, "north").scroll_into_view_if_needed()
    line = row(page, "north", "flow").get_by_test_id("sparkline").locator(".trend-line")
    expect(line).to_have_attribute("d", re.compile(r"M[\d.]+,[\d.]+L"), timeout=SHOWN_MS)
    expect(row(page, "north", "turns").get_by_test_id("sparkline")).to_have_count(0)


@pytest.mark.parametrize("step_s", [6, pytest.param(3, marks=pytest.mark.slow)])
def test_limits_colour_values_and_are_counted(screen: Screen, step_s: int) -> None:
    """A-226: what is out of limits has its severity's colour in shield and card, and is counted."""
    page = screen.page
    seen: dict[str, str] = {}
    for second in range(0, SECONDS, step_s):
        screen.seek(START_NS + second * NS_PER_SECOND)
        cards = settled(page).cards
        flows = [float(rows["flow"]) for rows in cards.values() if "flow" in rows]
        shut = sum(rows.get("valve") == "shut" for rows in cards.values())
        out = sum(flow < 10 for flow in flows) + shut
        limited = len(flows) + sum("valve" in rows for rows in cards.values())
        expect(page.get_by_test_id("alarms-out")).to_have_attribute("data-count", str(out))
        expect(page.get_by_test_id("alarms-chip")).to_have_attribute("data-count", str(out))
        expect(page.get_by_test_id("alarms-in")).to_have_attribute("data-count", str(limited - out))
        for unit, rows in cards.items():
            if "flow" in rows:
                found = row(page, unit, "flow")
                verdict = verdict_of(float(rows["flow"]))
                expect(found).to_have_attribute("data-verdict", verdict)
                seen[verdict] = str(
                    found.locator(".value-text").evaluate("one => getComputedStyle(one).color")
                )
        status = shield(page, "north").get_attribute("data-status")
        assert status == worst(cards.get("north", {}))
    assert set(seen) == {"ok", "warning", "critical"}
    assert len(set(seen.values())) == 3


def verdict_of(flow: float) -> str:
    """What the pump's limits say of a flow."""
    return "critical" if flow < 5 else "warning" if flow < 10 else "ok"


def worst(rows: Mapping[str, str]) -> str:
    """The status of a pump."""
    found = {verdict_of(float(rows["flow"]))} if "flow" in rows else set()
    if "valve" in rows:
        found.add("critical" if rows["valve"] == "shut" else "ok")
    return next((one for one in ("critical", "warning", "ok") if one in found), "none")


def test_what_has_no_manifest_has_the_default_card(screen: Screen) -> None:
    """A-231, AMB-48: every key is shown, with the unit that its name says, and it is said why."""
    page = screen.page
    tank = card(page, "tank")
    expect(tank).to_have_attribute("data-default", "true")
    expect(tank).to_contain_text("No manifest tank 1.2.0")
    expect(row(page, "tank", "level_m")).to_contain_text("2.5 m")
    expect(row(page, "tank", "note")).to_contain_text("no manifest")
    expect(row(page, "tank", "parts")).to_contain_text('{"a":1}')
    expect(shield(page, "tank")).to_contain_text("2.5 m")


def test_a_replay_shows_the_same_cards_forwards_and_backwards(screen: Screen) -> None:
    """A-225, A-232: at every moment that is seen, in either direction, jumped to or played to, the
    cards are the fold of the updates up to it.
    """
    page = screen.page
    keep = f"""() => {{
      const take = {SNAPSHOT};
      window.seen = [];
      window.watching = setInterval(() => {{
        const region = document.querySelector('[data-testid=cards-shown]');
        if (region?.getAttribute('aria-busy') === 'false') window.seen.push(take());
      }}, 20);
    }}"""
    page.get_by_test_id("rate").select_option("10")
    for turn, (begin, end, bound) in {
        "forwards": (0, "after", SECONDS - 6),
        "backwards": (SECONDS, "before", 2),
    }.items():
        if turn == "backwards":
            page.get_by_test_id("direction").click()
        snapshots: list[Snapshot] = []
        while len({one.time for one in snapshots}) < MOMENTS:  # A slow page shows few of a pass.
            screen.seek(START_NS + begin * NS_PER_SECOND)
            settled(page)
            page.evaluate(keep)
            page.get_by_test_id("play").click()
            screen.wait_for_cursor(end, START_NS + bound * NS_PER_SECOND)
            page.get_by_test_id("play").click()
            seen = page.evaluate("() => { clearInterval(window.watching); return window.seen; }")
            snapshots += msgspec.convert(seen, list[Snapshot])
        for one in [*snapshots, settled(page)]:
            cards = {unit: rows for unit, rows in one.cards.items() if rows and unit != "tank"}
            assert cards == folded(timestamps.parse(one.time)), (turn, one.time)


@pytest.mark.parametrize("steps", [7, pytest.param(12, marks=pytest.mark.slow)])
def test_steps_forth_and_back_show_the_same(screen: Screen, steps: int) -> None:
    """Event by event there and back again: the same cards at the same times, by either clock."""
    page = screen.page
    for timebase in ("source", "canonical"):
        if timebase == "canonical":
            page.keyboard.press("t")
            expect(page.get_by_test_id("timebase")).to_have_value("canonical")
        page.keyboard.press("Home")
        forth = walk(page, "ArrowRight", steps)
        back = walk(page, "ArrowLeft", steps - 2)
        both = forth.keys() & back.keys()
        assert len(both) >= steps - 3
        assert {at: forth[at] for at in both} == {at: back[at] for at in both}
        if timebase == "source":
            assert all(forth[at] == folded(timestamps.parse(at)) for at in both)


def walk(page: Page, key: str, steps: int) -> dict[str, Texts]:
    """Step from event to event, and what was shown at each."""
    found: dict[str, Texts] = {}
    cursor = page.get_by_test_id("cursor")
    for _ in range(steps):
        before = cursor.get_attribute("data-time")
        page.keyboard.press(key)
        expect(cursor).not_to_have_attribute("data-time", before or "")
        shown = settled(page)
        found[str(cursor.get_attribute("data-time"))] = shown.cards
    return found


def test_late_updates_never_move_a_live_value_back(
    kept: KeptScreen, present: RunningNova, tmp_path: Path
) -> None:
    """A late update sets the keys that no later one has set, and no other."""
    now_ns = time.time_ns()
    publish(present, tmp_path, [update("north", now_ns, {"flow": 15.5})])
    with kept.at(present.url) as screen:
        page = screen.page
        screen.expect_state("LIVE")
        show_all(page)
        expect(row(page, "north", "flow")).to_contain_text("15.5 l/s")
        late = {"flow": 1.0, "turns": 1500}
        publish(present, tmp_path, [update("north", now_ns - 5 * NS_PER_SECOND, late)])
        expect(row(page, "north", "turns")).to_contain_text("1500")
        expect(row(page, "north", "flow")).to_contain_text("15.5 l/s")
        publish(present, tmp_path, [update("south", time.time_ns(), {"flow": 12.0})])
        expect(row(page, "south", "flow")).to_contain_text("12.0 l/s")
        shown = settled(page).cards
        page.reload()
        show_all(page)
        expect(row(page, "south", "flow")).to_contain_text("12.0 l/s")
        assert settled(page).cards == shown


def test_an_alarm_is_acknowledged_by_a_person_and_by_an_event_alone(
    browser: Browser, kept: KeptScreen, present: RunningNova, tmp_path: Path
) -> None:
    """Counted, acknowledged by whom, as of the clock; not in a replay, not by viewers; and what
    comes after the value was in limits is another alarm.
    """
    add_viewer(present)
    before_ns = time.time_ns()
    publish(present, tmp_path, [update("north", before_ns, {"flow": 3.0})])
    with kept.at(present.url) as screen:
        page = screen.page
        show_all(page)
        expect(page.get_by_test_id("alarms-out")).to_have_attribute("data-count", "1")
        line = card(page, "north").get_by_test_id("alarm-line")
        expect(line).to_contain_text("critical below 5")
        line.get_by_test_id("alarm-acknowledge").click()
        expect(line.get_by_test_id("alarm-by")).to_have_text("✓ admin")
        expect(page.get_by_test_id("alarms-out")).to_have_attribute("data-count", "0")
        expect(page.get_by_test_id("alarms-acknowledged")).to_have_attribute("data-count", "1")
        assert [message["since"] for message in screen.sent if is_acknowledging(message)] == [
            timestamps.text(before_ns)
        ]

        screen.seek(before_ns)
        button = line.get_by_test_id("alarm-acknowledge")
        expect(button).to_have_attribute("aria-disabled", "true")
        expect(button).to_have_attribute("title", re.compile("LIVE"))
        expect(page.get_by_test_id("alarms-out")).to_have_attribute("data-count", "1")
        screen.seek(time.time_ns())
        expect(line.get_by_test_id("alarm-by")).to_have_text("✓ admin")

        page.get_by_test_id("live").click()
        publish(present, tmp_path, [update("north", time.time_ns(), {"flow": 20.0})])
        expect(row(page, "north", "flow")).to_have_attribute("data-verdict", "ok")
        publish(present, tmp_path, [update("north", time.time_ns(), {"flow": 2.0})])
        expect(page.get_by_test_id("alarms-out")).to_have_attribute("data-count", "1")
        expect(line.get_by_test_id("alarm-acknowledge")).to_be_enabled()
        page.reload()
        show_all(page)
        expect(page.get_by_test_id("alarms-out")).to_have_attribute("data-count", "1")
    watch(browser, present)


def is_acknowledging(message: Mapping[str, object]) -> bool:
    """Whether the page has sent an acknowledgement."""
    return message["type"] == "actOnAlarm" and message["action"] == "acknowledge"


def add_viewer(nova: RunningNova) -> None:
    """A user who may only look, with the password of the admin."""
    users = UserStore(nova.data / "edge")
    admin = users.get("admin")
    assert admin is not None
    assert users.add("watcher", admin.password_hash, "viewer")
    users.close()


def watch(browser: Browser, nova: RunningNova) -> None:
    """A viewer sees the alarm, and why there is nothing that they can do about it."""
    context = new_context(browser)
    page = context.new_page()
    page.goto(nova.url)
    page.get_by_test_id("login-username").fill("watcher")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    show_all(page)
    button = card(page, "north").get_by_test_id("alarm-acknowledge")
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(button).to_have_attribute("title", re.compile("Your role"))
    expect(page.get_by_test_id("ack-refusal")).to_contain_text("Your role (viewer)")
    context.close()


def test_shields_are_used_with_the_keyboard(screen: Screen) -> None:
    """One stop of the tabulator; arrows move, Enter chooses; the timeline takes none of them."""
    page = screen.page
    at = screen.cursor_ns()
    shields = page.get_by_test_id("shield")
    expect(shields).to_have_count(4)  # The last one is of the edge: it sets up TCP streams.
    assert shields.evaluate_all("all => all.filter(one => one.tabIndex === 0).length") == 1
    shields.first.click()
    page.keyboard.press("End")
    expect(shields.last).to_be_focused()
    page.keyboard.press("Enter")
    expect(shields.last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowLeft")
    expect(shields.nth(2)).to_be_focused()
    page.keyboard.press("Space")
    expect(shields.nth(2)).to_have_attribute("aria-selected", "true")
    screen.expect_state("PAUSED")
    assert screen.cursor_ns() == at


def test_the_cards_are_chosen_and_searched(screen: Screen) -> None:
    """Those of an entity, of its system, with alarms, or all; and the words of a search."""
    page = screen.page
    cards = page.get_by_test_id("card")
    expect(cards).to_have_count(3)
    shield(page, "tank").click()
    page.get_by_test_id("card-choice").select_option("entity")
    expect(cards).to_have_count(1)
    expect(card(page, "tank")).to_be_visible()
    page.get_by_test_id("card-choice").select_option("system")
    expect(cards).to_have_count(3)
    page.get_by_test_id("card-search").fill("pump south")
    expect(cards).to_have_count(1)
    expect(card(page, "south")).to_be_visible()
    page.get_by_test_id("card-search").fill("nothing of the kind")
    expect(page.get_by_test_id("cards-empty")).to_contain_text("Nothing matches")
    page.get_by_test_id("card-search").fill("")
    page.get_by_test_id("card-choice").select_option("entity")
    page.get_by_test_id("alarms-out").click()
    expect(page.get_by_test_id("card-choice")).to_have_value("alarms")


@pytest.mark.parametrize("theme", ["dark", pytest.param("light", marks=pytest.mark.slow)])
def test_axe_finds_nothing_serious(screen: Screen, theme: str) -> None:
    """Roles, names, contrast of values and alarms of either severity, in both themes."""
    page = screen.page
    if theme == "light":
        page.get_by_label("Switch between dark and light").click()
    severities: set[str] = set()
    for second in range(2, SECONDS, 6):
        screen.seek(START_NS + second * NS_PER_SECOND)
        settled(page)
        lines = page.get_by_test_id("alarm-line")
        found = set(lines.evaluate_all("all => all.map(one => one.dataset.severity)"))
        if found - severities:
            severities |= found
            assert serious(page, "[data-panel=cards]") == []
    assert severities == {"warning", "critical"}


def test_a_phone_shows_both_in_tabs(screen: Screen) -> None:
    """In portrait nothing is wider than the screen, and nothing is lost."""
    page = screen.page
    page.set_viewport_size({"width": PHONE_WIDTH, "height": PHONE_HEIGHT})
    for panel in ("shields", "cards"):
        page.get_by_test_id(f"tab-{panel}").click()
        if panel == "cards":
            show_all(page)
        expect(page.get_by_test_id(f"panel-{panel}")).to_contain_text("north")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert serious(page, f"[data-panel={panel}]") == []
    page.set_viewport_size(SIZE)
