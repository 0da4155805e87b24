"""The simulated satellite as a device: its past, its present, and that it obeys."""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from nova.hardware.device import Command, CommandRefusedError, Setup
from nova.hardware.event_builder import EventBuilder
from nova.hardware.satellite_device import SimulatedSatellite
from nova.hardware.simulator.attitude import SLEW_LASTS_S
from nova.hardware.simulator.power import HEATER_W
from nova.hardware.simulator.telemetry import CAPABILITIES, COMPUTER
from nova.sdk import timestamps
from nova.sdk.events.envelope import ParsedMessage, RawFrame, UiUpdate
from nova.sdk.events.event import Event, address_of, check
from nova.sdk.events.observation import Entity
from nova.sdk.field_types import JsonObject
from nova.sdk.manifests.manifest import update_problem
from nova.sdk.manifests.manifest_files import load

NOON = timestamps.parse("2026-11-01T12:00:00.25Z")
SECOND = 10**9


class SatelliteClock:
    """Time that passes only while somebody waits for it."""

    def __init__(self, ns: int = NOON) -> None:
        self.ns = ns

    def now_ns(self) -> int:
        """The time."""
        return self.ns

    async def sleep_until(self, at_ns: int) -> None:
        """Jump there."""
        self.ns = max(self.ns, at_ns)
        await asyncio.sleep(0)


class Flight:
    """A satellite on a clock of its own, with the events of what it said."""

    def __init__(self, folder: Path, ns: int = NOON, **options: object) -> None:
        self.clock = SatelliteClock(ns)
        setup = Setup("satellite", {"history_s": 0, **options}, folder)
        self.device = SimulatedSatellite(setup, self.clock)
        self.progress: list[float] = []

    async def events(self, reads: int) -> list[Event]:
        """The events of the next reads, as the Core would check them."""
        found = []
        for _ in range(reads):
            readings = list(await self.device.read())
            wrapped = EventBuilder("demo", lambda: self.clock.ns).readings(readings)
            assert wrapped.refused == []
            found += [check(one.value, address_of(one.address)) for one in wrapped.records]
        return found

    async def tell(self, command_type: str, payload: JsonObject) -> JsonObject | None:
        """Do a command."""

        async def progress(percent: float, message: str | None = None) -> None:
            self.progress.append(percent)

        target = next(
            entity for entity, able in CAPABILITIES.items() if f"command:{command_type}" in able
        )
        command = Command("c1", target, command_type, payload, self.clock.ns)
        return await self.device.execute(command, progress)


def ticks(events: Sequence[Event]) -> list[int]:
    """The instants of the raw frames of one unit."""
    return [
        event.source_ns
        for event in events
        if (event.series.lane, event.series.unique_id) == ("raw", "gps")
    ]


def parsed(events: Sequence[Event], message_type: str) -> JsonObject:
    """The newest payload of one type."""
    payload = [event for event in events if event.series.message_type == message_type][-1]
    found = getattr(payload.envelope, "payload", None)
    assert isinstance(found, dict)
    return found


async def test_ticks_lie_on_whole_periods(tmp_path: Path) -> None:
    """At 2 Hz, every half second, from the first after the start."""
    found = ticks(await Flight(tmp_path, rate_hz=2.0).events(6))
    first = timestamps.parse("2026-11-01T12:00:00.5Z")
    assert found == [first + number * SECOND // 2 for number in range(6)]


async def test_every_unit_speaks_in_three_lanes(tmp_path: Path) -> None:
    """A raw frame, a parsed message and a ui update of each, all at one instant."""
    events = await Flight(tmp_path).events(1)
    assert Counter(event.series.lane for event in events) == {"raw": 6, "parsed": 6, "ui": 6}
    assert len({event.source_ns for event in events}) == 1
    assert {event.series.unique_id for event in events} == {one.unique_id for one in CAPABILITIES}


async def test_a_frame_has_its_fields_where_its_layout_says(tmp_path: Path) -> None:
    """Each number of a message stands there, as exactly as it is sent."""
    events = await Flight(tmp_path, ns=NOON - SECOND).events(1)
    of = {(one.series.unique_id, one.series.lane): one.envelope for one in events}
    checked = 0
    for unit in {one.series.unique_id for one in events}:
        frame, message, layout = (of[unit, lane] for lane in ("raw", "parsed", "metadata"))
        assert isinstance(frame, RawFrame) and isinstance(message, ParsedMessage)
        data = frame.frame
        for name, (begin, bits) in msgspec.to_builtins(layout)["payload"]["fields"].items():
            (value,) = struct.unpack_from(">d" if bits == 64 else ">f", data, begin // 8)
            said = message.payload[name]
            if isinstance(said, float):
                assert value == pytest.approx(said, rel=1e-4, abs=0.06)
                checked += 1
    assert checked > 20


async def test_history_comes_first_and_joins_the_present(tmp_path: Path) -> None:
    """Ten minutes at a lower rate, then each second; the units are described just before."""
    flight = Flight(tmp_path, history_s=600)
    times = ticks(await flight.events(6))
    assert times == sorted(set(times))
    past = [time for time in times if time < NOON]
    assert len(past) == 120
    assert {b - a for a, b in pairwise(past)} == {5 * SECOND}
    assert {target.since_ns for target in flight.device.targets()} == {past[0] - 1}


async def test_a_restart_says_the_same_of_the_past(tmp_path: Path) -> None:
    """Also of a past in which it was sent something: its events are duplicates."""
    first = Flight(tmp_path, history_s=60)
    said = await first.events(3)
    await first.tell("heater.set", {"on": True})
    await first.tell("mode.set", {"mode": "DOWNLINK"})
    said += await first.events(60)
    second = Flight(tmp_path, ns=first.clock.ns, history_s=60)
    again = await second.events(1)
    known = {event.event_id for event in said}
    old = [event for event in again if event.source_ns <= said[-1].source_ns]
    assert len(old) > 100
    types = {event.series.message_type for event in old if event.event_id not in known}
    assert types == set()


async def test_heater_warms_and_draws(tmp_path: Path) -> None:
    """Load at once, warmth in time; given back, the thermostat decides."""
    flight = Flight(tmp_path)
    await flight.tell("heater.set", {"on": False})
    before = await flight.events(2)
    assert parsed(before, "Temperatures")["heaterOn"] is False
    result = await flight.tell("heater.set", {"on": True})
    assert result is not None and result["heaterOn"] is True
    assert flight.progress == [50, 50]
    after = await flight.events(1)
    assert parsed(after, "Temperatures")["heaterOn"] is True
    gained = float(str(parsed(after, "Battery")["load"])) - float(
        str(parsed(before, "Battery")["load"])
    )
    assert gained == pytest.approx(HEATER_W)
    flight.clock.ns += 1800 * SECOND
    other = Flight(tmp_path / "other", ns=flight.clock.ns)
    (tmp_path / "other").mkdir()
    warm = parsed(await flight.events(2), "Temperatures")["battery"]
    usual = parsed(await other.events(2), "Temperatures")["battery"]
    assert float(str(warm)) > float(str(usual)) + 1
    assert (await flight.tell("heater.auto", {})) is not None


async def test_modes_are_told_and_given_back(tmp_path: Path) -> None:
    """With the ModeChanged that everybody can see."""
    flight = Flight(tmp_path)
    await flight.events(1)
    assert await flight.tell("mode.set", {"mode": "DOWNLINK"}) == {"mode": "DOWNLINK"}
    events = await flight.events(1)
    assert parsed(events, "ModeChanged")["mode"] == "DOWNLINK"
    assert parsed(events, "Computer")["mode"] == "DOWNLINK"
    free = await flight.tell("mode.auto", {})
    assert free is not None and free["mode"] != "DOWNLINK"


async def test_camera_takes_an_image(tmp_path: Path) -> None:
    """Exposing for a while, then one image more."""
    flight = Flight(tmp_path)
    working = asyncio.create_task(flight.tell("camera.capture", {"exposureMs": 20}))
    while not flight.progress:
        await asyncio.sleep(0)
    assert await working == {"images": 1, "exposureMs": 20.0}
    assert parsed(await flight.events(4), "Computer")["images"] == 1


async def test_attitude_slews(tmp_path: Path) -> None:
    """For as long as a slew lasts, with progress on the way."""
    flight = Flight(tmp_path)
    began_ns = flight.clock.ns
    result = await flight.tell("attitude.point", {"latitude": 0, "longitude": 0})
    assert result is not None and abs(float(str(result["roll"]))) <= 31
    assert flight.clock.ns - began_ns >= SLEW_LASTS_S * SECOND
    assert flight.progress == sorted(flight.progress) and len(flight.progress) > 3
    assert await flight.tell("attitude.nadir", {}) is not None


@pytest.mark.parametrize(
    ("command_type", "payload", "words"),
    [
        ("heater.set", {}, "on"),
        ("heater.set", {"on": "yes"}, "on"),
        ("heater.auto", {"on": True}, "on"),
        ("heater.auto", {"now": 1}, "heater.auto has no argument 'now'; it takes none"),
        ("attitude.point", {"lat": 1}, "no argument 'lat'; it takes latitude, longitude"),
        ("camera.capture", {"exposure": 1}, "no argument 'exposure'; it takes exposureMs"),
        ("mode.set", {"mode": "PARTY"}, "PARTY"),
        ("camera.capture", {"exposureMs": 0}, "exposureMs"),
        ("attitude.point", {"latitude": 91, "longitude": 0}, "latitude"),
    ],
)
async def test_wrong_arguments_are_refused_and_change_nothing(
    tmp_path: Path, command_type: str, payload: JsonObject, words: str
) -> None:
    """The satellite checks for itself, whoever has checked before."""
    flight = Flight(tmp_path)
    with pytest.raises(CommandRefusedError, match=words):
        await flight.tell(command_type, payload)
    assert not (tmp_path / "orders.jsonl").exists()


async def test_an_unknown_command_is_refused(tmp_path: Path) -> None:
    """By its name."""
    command = Command("c1", COMPUTER, "computer.explode", {}, NOON)
    with pytest.raises(CommandRefusedError, match=r"computer\.explode"):
        await Flight(tmp_path).device.execute(command, lambda *_: asyncio.sleep(0))


async def test_a_stalled_machine_does_not_pile_up_the_past(tmp_path: Path) -> None:
    """After a stall the satellite continues with the present."""
    flight = Flight(tmp_path)
    before = ticks(await flight.events(3))
    flight.clock.ns += 40 * SECOND
    after = ticks(await flight.events(3))
    gaps = [b - a for a, b in pairwise(before + after)]
    assert sorted(gaps)[:-1] == [SECOND] * 4
    assert max(gaps) > 30 * SECOND


async def test_every_action_of_the_shipped_cards_is_a_capability(tmp_path: Path) -> None:
    """What the screen offers for a unit, its descriptor declares."""
    units = {entity.unique_id: able for entity, able in CAPABILITIES.items()}
    offered = [
        (one.manifest.manifest_id, action.command_type)
        for one in load()
        for action in one.manifest.actions
        if one.manifest.manifest_id in units
    ]
    assert offered
    for unit, command_type in offered:
        assert f"command:{command_type}" in units[unit]
    assert all(isinstance(entity, Entity) for entity in CAPABILITIES)


async def test_what_it_shows_is_what_its_cards_allow(tmp_path: Path) -> None:
    """A-127: every update passes the manifest that it names, also while it is doing something."""
    flight = Flight(tmp_path, history_s=600)
    events = await flight.events(2)
    await flight.tell("mode.set", {"mode": "DOWNLINK"})
    working = asyncio.create_task(flight.tell("camera.capture", {}))
    events += await flight.events(2)
    await working
    manifests = {one.manifest.manifest_id: one.manifest for one in load()}
    updates = [event.envelope for event in events if isinstance(event.envelope, UiUpdate)]
    assert len(updates) > 600
    for update in updates:
        assert update_problem(manifests[update.manifest_id], update.data) is None


def test_every_command_has_its_form() -> None:
    """What the satellite says that it takes, an operator finds as an action of a card."""
    offered = {action.command_type for file in load() for action in file.manifest.actions}
    taken = {
        capability.removeprefix("command:")
        for capabilities in CAPABILITIES.values()
        for capability in capabilities
        if capability.startswith("command:")
    }
    assert len(taken) == 7
    assert taken <= offered
