"""The search in a real browser: five planted anomalies of a year are found, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from bench.bulk_archive import EventPace, fill
from nova.core.derived.sampler import Sampler
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store.archive import Archive
from nova.core.store.sample_store import SampleStore
from nova.sdk import timestamps
from nova.sdk.events.observation import Entity, Observer, record_of
from nova.testkit.running_nova import RunningNova, running_nova
from tests.e2e.demo_screen import THEMES, Screen, screen_on, serious

pytestmark = pytest.mark.browser

SCOPE = "sat"
BATTERY = Entity("bus", "eps", "battery")
START_NS = timestamps.parse("2024-01-01T00:00:00Z")
STEP_NS = 900 * 10**9
EVENTS = 35_040
"""A year, with a value of each field every quarter of an hour."""

SPIKE, GAP, NOTE, MODE, LOW = 7_000, 13_000, 18_000, 23_000, 30_000
GAP_EVENTS, LOW_EVENTS = 36, 12
FLAT, FLAT_EVENTS = 33_000, 20
FOUND_MS = 60_000
NARROW = 390


def at_ns(number: int) -> int:
    return START_NS + number * STEP_NS


def payload(number: int) -> bytes:
    """A temperature with one spike, volts with short gaps and a long one, a mode that changes
    once, amps with short dips and a long one. The temperature varies, but for one flat line.
    """
    flat = 24 if FLAT <= number < FLAT + FLAT_EVENTS else 20 + number % 7
    temperature = 95 if number == SPIKE else flat
    is_absent = GAP < number < GAP + GAP_EVENTS or number % 3_000 in (1, 2)
    volts = b"" if is_absent else b'"volts":%d,' % (28 + number % 3)
    mode = b"SAFE" if number >= MODE else b"NOMINAL"
    is_low = LOW <= number < LOW + LOW_EVENTS or number % 2_500 in (1, 2, 3)
    numbers = b'"temperature":%d,"amps":%d' % (temperature, 1 if is_low else 5)
    return b'{%b"mode":"%b",%b}' % (volts, mode, numbers)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """A NOVA with a year of telemetry, whose columns are made."""
    data = tmp_path_factory.mktemp("year") / "data"
    data.mkdir()
    battery = Observer(SCOPE).observe(BATTERY, START_NS - 1)
    notes = [
        record_of(Observer(SCOPE).observe(BATTERY, at).metadata("Note", {"text": words}))
        for at, words in (
            (at_ns(NOTE), "Star tracker BLINDED by the Moon"),
            (at_ns(NOTE + 5), "Star tracker sees again"),
        )
    ]
    first = {"volts": 28, "mode": "NOMINAL", "temperature": 20, "amps": 5}
    records = [record_of(battery.parsed("Power", first, "1")), *notes]
    fill(data, EVENTS, [records], payload, EventPace(START_NS, STEP_NS))
    sample(data)
    with running_nova(data, "--scope", SCOPE) as nova:
        yield nova
        nova.kill()


def sample(data: Path) -> None:
    """Make the columns, as the sampler does, which would wait for its turn on a busy machine."""
    with (
        closing(Archive.open_secondary(data, data.with_name("reading"))) as archive,
        closing(SampleStore.open_primary(data)) as samples,
    ):
        snapshot = ArchiveSnapshot(archive)
        snapshot.advance(archive.record.last_canonical_ns())
        snapshot.refresh()
        for _ in Sampler(snapshot, samples).sample(snapshot.watermark):
            pass


def by_condition(page: Page, field: str, condition: str, **values: str) -> None:
    """Fill in the form."""
    page.get_by_test_id("search-by-field").click()
    page.get_by_test_id("search-entity").fill("battery")
    chosen = page.locator('[data-testid="search-field"] option', has_text=field)
    page.get_by_test_id("search-field").select_option(chosen.get_attribute("value"))
    page.get_by_test_id("search-comparison").select_option(condition)
    for name in ("value", "seconds", "samples"):
        box = page.get_by_test_id(f"search-{name}")
        if box.count():
            box.fill(values.get(name, ""))


def matches(page: Page) -> Locator:
    return page.get_by_test_id("match")


def expect_searched(page: Page, count: int | str) -> None:
    """All searches are complete, with this many matches in all."""
    done = page.locator('[data-testid="search-one"]:not([data-state="complete"])')
    expect(done).to_have_count(0, timeout=FOUND_MS)
    expect(page.get_by_test_id("match-count")).to_contain_text(f"{count} match")


def search_five(page: Page) -> None:
    """One search for each kind of anomaly, in one list."""
    by_condition(page, "temperature", "above", value="90")
    page.get_by_test_id("search-start").click()
    expect_searched(page, 1)
    by_condition(page, "volts", "gap", seconds="7200")
    page.get_by_test_id("search-add").click()
    by_condition(page, "mode", "change")
    page.get_by_test_id("search-add").click()
    by_condition(page, "amps", "atMost", value="1", samples="10")
    page.get_by_test_id("search-add").click()
    page.get_by_test_id("search-by-text").click()
    page.get_by_test_id("search-text").fill("blinded")
    page.get_by_test_id("search-add").click()
    expect_searched(page, 5)


def test_five_anomalies_of_a_year_are_found_and_walked(
    browser: Browser, year: RunningNova, tmp_path: Path
) -> None:
    moments = [at_ns(one) for one in (SPIKE, GAP, NOTE, MODE, LOW)]
    with screen_on(browser, year.url) as screen:
        page = screen.page
        page.keyboard.press("f")
        expect(page.get_by_test_id("matches-empty")).to_contain_text("Choose a field")
        search_five(page)
        shown = [one.get_attribute("data-time") for one in matches(page).all()]
        assert shown == [timestamps.text(at) for at in moments[::-1]]
        expect(matches(page).nth(3)).to_contain_text("9 h")
        expect(matches(page).nth(1)).to_contain_text("NOMINAL → SAFE")
        screen.seek(START_NS)
        page.get_by_test_id("search-close").click()
        walk(screen, moments)
        page.keyboard.press("0")
        marks = page.get_by_test_id("marks").locator('[data-kind="match"]')
        expect(marks).to_have_count(5)
        page.keyboard.press("f")
        look(page, tmp_path)
        by_receive_time(screen)
        saved_and_linked(screen)
        too_many(page)


def walk(screen: Screen, moments: list[int]) -> None:
    """By keys, forwards and back; it leaves LIVE and says so."""
    page = screen.page
    for at in moments:
        page.keyboard.press("n")
        screen.expect_cursor(at)
    page.keyboard.press("n")
    expect(page.get_by_test_id("hint")).to_contain_text("no later match")
    for at in moments[-2::-1]:
        page.keyboard.press("p")
        screen.expect_cursor(at)
    page.get_by_test_id("live").click()
    screen.expect_state("LIVE")
    page.keyboard.press("p")
    screen.expect_cursor(moments[-1])
    expect(page.get_by_test_id("hint")).to_contain_text("LIVE is left")


def look(page: Page, folder: Path) -> None:
    """On every width and in every theme nothing sticks out, and axe finds nothing serious."""
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    for width, height in ((NARROW, 844), (1280, 720)):
        page.set_viewport_size({"width": width, "height": height})
        for theme in reversed(THEMES):
            page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
            page.screenshot(path=folder / f"{width}-{theme}.png")
            part = "html" if width > NARROW else "[data-testid=search]"
            assert serious(page, part) == [], (width, theme)
        assert page.evaluate(wide) == 0, width


def by_receive_time(screen: Screen) -> None:
    """In the other timebase the same is searched again: the matches have its times."""
    page = screen.page
    before = matches(page).first.get_attribute("data-time")
    page.get_by_label("Clock").select_option("canonical")
    expect(page.get_by_test_id("match-count")).to_contain_text("by receive time")
    expect(matches(page).first).not_to_have_attribute("data-time", before or "")
    # Everything was received within a moment: no gap is longer than two hours.
    expect_searched(page, 4)
    page.get_by_label("Clock").select_option("source")
    expect_searched(page, 5)


def saved_and_linked(screen: Screen) -> None:
    """A saved search and a link find the same; faults are said in a sentence."""
    page = screen.page
    page.get_by_test_id("search-saved").click()
    page.get_by_test_id("save-name").fill("five anomalies")
    page.get_by_test_id("save-search").click()
    page.get_by_role("button", name="Remove the search battery mode changes").click()
    expect_searched(page, 4)
    page.get_by_test_id("search-saved").click()
    page.get_by_test_id("saved-search").get_by_role("button", name="five anomalies").first.click()
    expect_searched(page, 5)
    by_condition(page, "temperature", "above", value="warm")
    page.get_by_test_id("search-start").click()
    fault = page.get_by_test_id("search-fault")
    expect(fault).to_have_text("“warm” is no number, and temperature has numbers.")
    # Four with a comparison, and a text.
    five = "decodeURIComponent(location.hash).split('comparison').length === 5"
    page.wait_for_function(five)
    page.reload()
    expect(page.get_by_test_id("search")).to_be_visible(timeout=FOUND_MS)
    expect_searched(page, 5)
    page.evaluate("location.hash = location.hash.replace('value%22:%2290', 'value%22:%22warm')")
    expect(fault).to_contain_text("1 of the 5 searches of the link cannot be searched: “warm”")
    expect_searched(page, 4)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("search")).to_have_count(0)


def too_many(page: Page) -> None:
    """A flat line is one match. Too many are cut, which is said; rows in view alone are drawn."""
    page.keyboard.press("f")
    by_condition(page, "temperature", "steady", samples="10")
    page.get_by_test_id("search-start").click()
    expect_searched(page, 1)
    first = timestamps.parse(matches(page).first.get_attribute("data-time") or "")
    assert at_ns(FLAT - 1) <= first <= at_ns(FLAT)
    by_condition(page, "temperature", "change")
    page.get_by_test_id("search-start").click()
    expect_searched(page, "5,000")
    expect(page.get_by_test_id("search-note")).to_contain_text("Only 5,000 matches are kept")
    assert 0 < matches(page).count() < 60
    page.get_by_test_id("matches").evaluate("list => { list.scrollTop = list.scrollHeight; }")
    expect(page.locator('[aria-posinset="5000"]')).to_be_visible()
