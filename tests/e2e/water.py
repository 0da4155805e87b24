"""A house with water pumps: a user's own manifest, updates of it, and its cards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import cast

import msgspec
import pytest
from playwright.sync_api import Locator, Page, expect

from nova.sdk import timestamps
from nova.sdk.events.event import check
from nova.sdk.timestamps import NS_PER_SECOND
from nova.testkit.running_nova import RunningNova, nova_command, running_nova

START_NS = timestamps.parse("2026-01-01T00:00:00Z")
SECONDS = 40
SHOWN_MS = 60_000
PHONE_WIDTH, PHONE_HEIGHT = 390, 844

PUMP = """
from nova.sdk.manifests.manifest import CardManifest, Group, KeySpec, Layout, Limits

MANIFEST = CardManifest(
    manifest_id="pump",
    manifest_version="1.2.0",
    view_id="water.pump",
    entity_type="pump",
    title="Water pump",
    allowed_keys={
        "flow": KeySpec(
            type="number", title="Flow", unit="l/s", precision=1,
            limits=Limits(warning_low=10, critical_low=5),
        ),
        "turns": KeySpec(type="integer", unit="1/min"),
        "valve": KeySpec(
            type="enum", title="Valve", labels={"open": "wide open", "shut": "shut"},
            limits=Limits(critical=["shut"]),
        ),
    },
    layout=Layout(
        shield=["flow"],
        card=[Group(title="Water", rows=["flow", "valve"]), Group(title="Motor", rows=["turns"])],
        sparklines=["flow"],
    ),
)
"""
"""All that a user adds for a card of their own."""

SNAPSHOT = """() => ({
  time: document.querySelector('[data-testid=cards-as-of]').dataset.time
    || document.querySelector('[data-testid=cursor]').dataset.time,
  cards: Object.fromEntries([...document.querySelectorAll('[data-testid=card]')].map((card) => [
    card.dataset.entity,
    Object.fromEntries([...card.querySelectorAll('[data-testid=card-row]')].map((row) => [
      row.dataset.key, row.querySelector('.value-text').firstChild.textContent]))]))
})"""

Texts = dict[str, dict[str, str]]
"""What each entity's card shows, by key."""


class Snapshot(msgspec.Struct):
    """The cards at an instant, and the time that they are of."""

    time: str
    cards: Texts


@contextmanager
def water(folder: Path) -> Iterator[RunningNova]:
    """A NOVA of scope `sat` that has a user's folder of manifests with one file in it."""
    manifests = folder / "manifests"
    manifests.mkdir()
    (manifests / "pump.manifest.py").write_text(PUMP)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOVA_MANIFESTS", str(manifests))
        with running_nova(folder / "data", "--scope", "sat") as running:
            yield running
            running.kill()


# --- what is recorded -----------------------------------------------------------------------------


def update(
    unit: str, at_ns: int, data: Mapping[str, object], *, manifest: str = "pump"
) -> dict[str, object]:
    """One update of a unit's view."""
    return {
        "lane": "ui",
        "systemId": "house",
        "containerId": "cellar",
        "uniqueId": unit,
        "sourceTruthTime": timestamps.text(at_ns),
        "messageType": "UiUpdate",
        "viewId": "water.pump" if manifest == "pump" else f"water.{manifest}",
        "manifestId": manifest,
        "manifestVersion": "1.2.0",
        "data": dict(data),
    }


def story(random: Random) -> list[dict[str, object]]:
    """Partial updates of two pumps and of something without a manifest; some share their time."""
    told: list[dict[str, object]] = []
    for second in range(SECONDS):
        for unit in ("north", "south"):
            for _ in range(random.choice((0, 1, 1, 2))):
                all_keys: dict[str, object] = {
                    "flow": random.randrange(0, 200) / 10,
                    "turns": random.randrange(1000, 3000),
                    "valve": random.choice(("open", "open", "open", "shut")),
                }
                keys = random.sample(sorted(all_keys), random.randint(1, 3))
                data = {key: all_keys[key] for key in keys}
                told.append(update(unit, START_NS + second * NS_PER_SECOND, data))
    odd = {"level_m": 2.5, "note": "no manifest", "parts": {"a": 1}}
    told.append(update("tank", START_NS + 5 * NS_PER_SECOND, odd, manifest="tank"))
    return told


STORY = story(Random(5))


def publish(nova: RunningNova, folder: Path, updates: Sequence[Mapping[str, object]]) -> None:
    """Publish updates in the order in which they are given."""
    path = folder / "updates.jsonl"
    path.write_bytes(b"\n".join(map(msgspec.json.encode, updates)))
    made = nova_command("produce", str(path), "--to", nova.publish, "--scope", "sat")
    assert made.returncode == 0, made.stderr.decode()


def folded(until_ns: int) -> Texts:
    """What the pumps' cards show at a time, by sorting all updates and applying each."""
    events = [check(msgspec.json.encode({"scopeId": "sat", **one})) for one in STORY]
    states: dict[str, dict[str, object]] = {}
    for event, one in sorted(
        zip(events, STORY, strict=True), key=lambda pair: (pair[0].source_ns, pair[0].event_id)
    ):
        if event.source_ns <= until_ns and one["manifestId"] == "pump":
            data = cast(dict[str, object], one["data"])
            states.setdefault(str(one["uniqueId"]), {}).update(data)
    return {
        unit: {key: text_of(key, value) for key, value in state.items()}
        for unit, state in states.items()
    }


def text_of(key: str, value: object) -> str:
    """A value as the manifest has it read."""
    if key == "valve":
        return {"open": "wide open", "shut": "shut"}[str(value)]
    return f"{value:.1f}" if key == "flow" else str(value)


# --- what is seen ---------------------------------------------------------------------------------


def card(page: Page, unit: str) -> Locator:
    """The card of a unit."""
    return page.locator(f'[data-testid="card"][data-entity="{unit}"]')


def row(page: Page, unit: str, key: str) -> Locator:
    """The row of a key in the card of a unit."""
    return card(page, unit).locator(f'[data-testid="card-row"][data-key="{key}"]')


def shield(page: Page, unit: str) -> Locator:
    """The shield of a unit."""
    return page.locator(f'[data-testid="shield"][data-place*="/{unit} "]')


def snapshot(page: Page) -> Snapshot:
    """The cards as they are now, without those of which nothing is known yet."""
    found = msgspec.convert(page.evaluate(SNAPSHOT), Snapshot)
    found.cards = {unit: rows for unit, rows in found.cards.items() if rows and unit != "tank"}
    return found


def settled(page: Page) -> Snapshot:
    """The cards once the states at the clock are known."""
    expect(page.get_by_test_id("cards-shown")).to_have_attribute("aria-busy", "false")
    return snapshot(page)


def show_all(page: Page) -> None:
    """Show the cards of everything."""
    page.get_by_test_id("card-choice").select_option("all")
    expect(card(page, "north")).to_be_attached(timeout=SHOWN_MS)
