#!/usr/bin/env python3
"""Takes the screenshots of the documentation: Chromium on an instance with real recordings.

Run in the project's environment, with the folder of recordings:
    .venv/bin/python scripts/screenshots.py --data ../shared/data
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
from playwright.sync_api import Browser, Page, expect

from nova.sdk import timestamps
from nova.sdk.timestamps import NS_PER_SECOND
from nova.testkit.browser import running_browser
from nova.testkit.running_nova import PASSWORD, RunningNova, nova_command, running_nova

ROOT = Path(__file__).resolve().parents[1]
WIDE = (1280, 720)
PHONE = (390, 844)
SHOWN_MS = 30_000
ISS_YEAR_BEGINS = datetime(2017, 12, 31, tzinfo=UTC)
"""The epoch of the station's hours: hour 24 is 1 January 2018, the year of that arrival."""
CHANNEL = re.compile(r"^\| `(\w+)\.txt` \| (\w+) \|", re.MULTILINE)


class Recording(NamedTuple):
    """A file, and the options of `nova produce` for it."""

    scope: str
    path: str
    options: tuple[str, ...] = ()


RECORDINGS = (
    Recording(
        "jpss1",
        "ccsds/J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1",
        ("--xtce", "ccsds/jpss1_geolocation_xtce_v1.xml"),
    ),
    Recording("boat", "gps/bundg_zeus_9.log", ("--format", "nmea")),
    Recording("harbour", "gps/ais-nmea.log", ("--format", "nmea")),
    # The file has no date.
    Recording("drone", "ulog/sample.ulg", ("--epoch", "2021-04-08T12:00:00Z")),
    Recording(
        "rocket",
        "table/2022-06-24-serial-6583-flight-0003-TeleMega.csv",
        (
            *("--time-column", "time", "--epoch", "2022-06-24T15:17:16Z"),
            *("--entity", "rocket/avionics/telemega", "--view", "telemetry.gps"),
        ),
    ),
)

BATTERIES = {"1A": "S4000001", "2A": "P4000001", "3A": "S4000004", "4A": "P4000004"}
"""The files of the station's battery voltages."""


def main() -> int:
    """Load the recordings and take the screenshots; exit status 2 without recordings."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data")
    parser.add_argument("--into", type=Path, default=ROOT / "docs/images")
    given = parser.parse_args()
    if not (given.data / RECORDINGS[0].path).is_file():
        print(f"no recordings in {given.data}: set their folder with --data", file=sys.stderr)
        return 2
    given.into.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_nova(Path(folder) / "data", "--ground") as nova,
        running_browser() as browser,
    ):
        load(nova, given.data, Path(folder))
        take_all(browser, nova, given.into)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_nova(Path(folder), command="demo") as nova,
        running_browser() as browser,
    ):
        commands(browser, nova, given.into)
    return 0


def load(nova: RunningNova, data: Path, folder: Path) -> None:
    """Publish every recording; raises SystemExit on a failure."""
    for scope, path, options in RECORDINGS:
        chosen = [str(data / one) if (data / one).is_file() else one for one in options]
        produce(nova, data / path, scope, *chosen)
    table = folder / "iss.jsonl"
    with table.open("wb") as file:
        file.writelines(msgspec.json.encode(envelope) + b"\n" for envelope in iss(data))
    produce(nova, table, "iss")
    columns = ("--columns", "hours,voltage", "--time-column", "hours", "--time-unit", "h")
    epoch = ("--epoch", timestamps.text(round(ISS_YEAR_BEGINS.timestamp()) * NS_PER_SECOND))
    for battery, name in BATTERIES.items():
        view = ("--entity", f"iss/power/{battery}", "--view", "telemetry.battery")
        voltages = data / f"table/iss_htv/{name}.txt"
        produce(nova, voltages, "iss", "--format", "csv", *columns, *epoch, *view)


def produce(nova: RunningNova, path: Path, scope: str, *options: str) -> None:
    """Run `nova produce`. Exit status 1 (some records were rejected) is accepted."""
    print(f"reading {path.name} into scope {scope}")
    done = nova_command("produce", str(path), "--to", nova.publish, "--scope", scope, *options)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr.decode())


def iss(data: Path) -> Iterator[dict[str, object]]:
    """Envelopes of the station's telemetry: one file of `hours value` lines per channel."""
    for file, channel in CHANNEL.findall((data / "README.md").read_text()):
        last = ""
        for line in (data / f"table/iss_htv/{file}.txt").read_text().splitlines():
            hours, number = line.split()
            at = (ISS_YEAR_BEGINS + timedelta(hours=float(hours))).isoformat()
            if at == last:
                continue
            last = at
            yield {
                "lane": "parsed",
                "systemId": "iss",
                "containerId": "power" if "voltage" in channel else "joints",
                "uniqueId": channel,
                "sourceTruthTime": at,
                "messageType": "Value",
                "schemaVersion": "1",
                "payload": {"value": float(number)},
            }


def take_all(browser: Browser, nova: RunningNova, into: Path) -> None:
    """All screenshots of the recordings."""
    page = opened(browser, nova, WIDE)
    orbit(page, into)
    station(page, into)
    boat(page, into)
    cards(page, into)
    page.close()
    phone(browser, nova, into)


def opened(browser: Browser, nova: RunningNova, size: tuple[int, int]) -> Page:
    """A logged-in page of a size."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme="dark")
    page.goto(nova.url)
    page.get_by_test_id("login-username").fill("admin")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    expect(page.get_by_test_id("entity-row").first).to_be_visible(timeout=SHOWN_MS)
    return page


def orbit(page: Page, into: Path) -> None:
    """JPSS-1: all panels, its ground track, its packets."""
    go(page, "2021-04-09T01:10:00Z", "2021-04-09T00:00:00Z", "2021-04-09T02:00:00Z")
    choose(page, "jpss1")
    for field in ("ADGPSPOSX", "ADGPSPOSY", "ADGPSPOSZ"):
        plot(page, field)
    expect(page.get_by_test_id("track-line")).to_have_attribute("d", re.compile("L"))
    settle(page)
    shoot(page, into / "overview.png")
    page.get_by_label("Switch between dark and light").click()
    settle(page)
    shoot(page, into / "overview-light.png")
    page.get_by_label("Switch between dark and light").click()
    for panel in ("entities", "values"):
        part(page, f"panel-{panel}", into / f"{panel}.png")
    for panel in ("plots", "values", "inspector"):
        away(page, panel)
    settle(page)
    part(page, "panel-track", into / "track.png")
    reset(page)
    for panel in ("plots", "values", "track"):
        away(page, panel)
    page.get_by_test_id("lane-raw").click()
    expect(page.locator('[data-testid="event-row"][data-lane="raw"]').first).to_be_visible()
    page.locator('[data-testid="event-row"][data-lane="raw"]').nth(2).click()
    expect(page.get_by_test_id("hex-view")).to_be_visible()
    settle(page)
    part(page, "panel-inspector", into / "inspector.png")
    reset(page)


def station(page: Page, into: Path) -> None:
    """The space station: six hours of voltages and joint angles."""
    clear_plots(page)
    go(page, "2018-09-27T11:00:00Z", "2018-09-27T08:00:00Z", "2018-09-27T14:00:00Z")
    for channel in ("voltage_1a", "voltage_2a", "voltage_3a"):
        choose(page, "iss", channel)
        plot(page, "value")
    page.get_by_test_id("new-plot").click()
    for channel in ("beta1a", "beta3a", "ssarj"):
        choose(page, "iss", channel)
        plot(page, "value")
    page.get_by_test_id("panel-plots").get_by_role("heading").dblclick()
    expect(page.get_by_text("Samples are behind")).to_have_count(0, timeout=SHOWN_MS)
    settle(page)
    part(page, "panel-plots", into / "plots.png")
    timeline = page.get_by_role("contentinfo")
    timeline.screenshot(path=str(into / "timeline.png"))
    reset(page)
    clear_plots(page)


def boat(page: Page, into: Path) -> None:
    """A sailing boat: a track of some hundred metres."""
    go(page, "2018-08-20T09:49:00Z", "2018-08-20T09:47:36Z", "2018-08-20T09:50:03Z")
    choose(page, "boat", "GGA")
    expect(page.get_by_test_id("track-line")).to_have_attribute("d", re.compile("L"))
    page.get_by_test_id("track-zoom").click()
    settle(page)
    part(page, "panel-track", into / "track-near.png")
    page.get_by_test_id("track-zoom").click()


def cards(page: Page, into: Path) -> None:
    """Shields and cards of all recordings as of an orbit of JPSS-1."""
    go(page, "2021-04-09T01:10:00Z", "2021-04-09T00:00:00Z", "2021-04-09T02:00:00Z")
    page.get_by_test_id("card-choice").select_option("all")
    for panel in ("values", "inspector", "plots", "track", "entities", "commands", "chat"):
        away(page, panel)
    orbiting = page.locator('[data-testid="card"][data-card^="jpss1/"]').first
    orbiting.scroll_into_view_if_needed()  # samples are requested for visible cards only
    expect(orbiting.locator(".trend-line").first).to_have_attribute("d", re.compile("L"))
    settle(page)
    orbiting.scroll_into_view_if_needed()
    shoot(page, into / "cards.png")
    reset(page)


def commands(browser: Browser, nova: RunningNova, into: Path) -> None:
    """Commands to the demo's satellite: one with its result, and a form with an error."""
    page = opened(browser, nova, WIDE)
    page.get_by_test_id("live").click()
    for panel in ("entities", "shields", "values", "plots", "track", "inspector"):
        away(page, panel)
    page.get_by_test_id("card-choice").select_option("all")
    page.locator('[data-testid="card-action"][data-command="heater.set"]').click()
    page.get_by_test_id("argument-on").select_option("true")
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("became")).to_contain_text("success", timeout=SHOWN_MS)
    page.locator('[data-testid="card-action"][data-command="camera.capture"]').click()
    page.get_by_test_id("argument-exposureMs").fill("25")
    page.get_by_test_id("send").click()
    page.get_by_test_id("chat-input").fill("heater is on for the pass; next an image of the coast")
    page.get_by_test_id("chat-say").click()
    expect(page.get_by_test_id("chat-message")).to_have_count(1)
    expect(page.get_by_test_id("became")).to_contain_text("success", timeout=SHOWN_MS)
    page.get_by_test_id("argument-exposureMs").fill("5000")
    settle(page)
    part(page, "panels", into / "commands.png")
    page.close()


def phone(browser: Browser, nova: RunningNova, into: Path) -> None:
    """A phone in portrait: the values of the rocket at its highest point."""
    page = opened(browser, nova, PHONE)
    go(page, "2022-06-24T15:17:46Z", "2022-06-24T15:17:00Z", "2022-06-24T15:21:30Z")
    choose(page, "rocket")
    page.get_by_test_id("tab-values").click()
    expect(page.get_by_test_id("latest-row").first).to_be_visible()
    settle(page)
    shoot(page, into / "phone.png")
    page.close()


def go(page: Page, time: str, start: str, stop: str) -> None:
    """Seek to a time and show a span, like a shared link."""
    moment = f"t={time}&state=paused&tb=source&from={start}&to={stop}"
    page.evaluate("hash => { location.hash = hash; }", moment)
    expect(page.get_by_test_id("cursor")).to_have_attribute(
        "data-time", re.compile(re.escape(time.removesuffix("Z")))
    )


def choose(page: Page, words: str, entity: str | None = None) -> None:
    """Select an entity that the search finds; the first if none is named."""
    search = page.get_by_test_id("entity-search")
    search.fill(f"{words} {entity or ''}")
    found = page.get_by_test_id("entity-row")
    row = (
        found
        if entity is None
        else page.locator(f'[data-testid="entity-row"][data-entity="{entity}"]')
    )
    row.first.click()
    search.fill("")


def plot(page: Page, field: str) -> None:
    """Plot a field of the selected entity."""
    row = page.locator(f'[data-testid="latest-row"][data-key="{field}"]').first
    row.get_by_test_id("plot-field").click()


def clear_plots(page: Page) -> None:
    """Remove all plots."""
    while page.get_by_test_id("remove-plot").count() > 0:
        page.get_by_test_id("remove-plot").first.click()


def away(page: Page, panel: str) -> None:
    """Hide a panel."""
    page.get_by_test_id(f"menu-{panel}").click()
    page.get_by_test_id("put-away").click()


def reset(page: Page) -> None:
    """Restore the default layout."""
    page.locator('[data-testid^="menu-"]').first.click()
    page.get_by_test_id("layout-reset").click()


def settle(page: Page) -> None:
    """Wait until every plotted line is drawn and nothing moves."""
    for reading in page.locator(".reading").all():
        expect(reading).not_to_have_text("…")
    page.mouse.move(0, 0)
    page.evaluate("document.querySelectorAll('.scroll').forEach(one => { one.scrollTop = 0; })")
    page.wait_for_timeout(1_000)


def shoot(page: Page, path: Path) -> None:
    """The whole page."""
    page.screenshot(path=str(path))
    print(f"wrote {path}")


def part(page: Page, testid: str, path: Path) -> None:
    """One element of the page."""
    page.get_by_test_id(testid).screenshot(path=str(path))
    print(f"wrote {path}")


if __name__ == "__main__":
    sys.exit(main())
