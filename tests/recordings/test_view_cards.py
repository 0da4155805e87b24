"""Cards of recordings: what real ones say of the shipped views, and what they may not say."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from nova.recordings import view_cards
from nova.recordings.open_recording import open_recording
from nova.recordings.recording_options import RecordingOptions
from nova.recordings.view_cards import ATTITUDE, BATTERY, LINK, POSITION
from nova.sdk.events.envelope import UiUpdate
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Observer
from nova.sdk.manifests import manifest_files
from nova.sdk.manifests.manifest import update_problem
from tests.recordings.reading import everything

JPSS = "ccsds/J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1"
JPSS_XTCE = "ccsds/jpss1_geolocation_xtce_v1.xml"
BOAT = "gps/bundg_zeus_9.log"
BUS = "can/logfile_20140914_365495765_can.log"
DRONE = "ulog/sample.ulg"
DRONE_STEPS = 18_800
HTV = "table/iss_htv/P4000001.txt"
ISS_OPTIONS = RecordingOptions(
    columns="hours,voltage",
    time_column="hours",
    time_unit="h",
    epoch="2017-12-31T00:00:00Z",
    entity="iss/power/2A",
    view=BATTERY,
)


def updates(
    path: Path,
    name: str | None = None,
    options: RecordingOptions | None = None,
    most_steps: int | None = None,
) -> list[Event]:
    """The updates of a recording, or of its first steps; each keeps to its manifest."""
    manifests = {one.manifest.view_id: one.manifest for one in manifest_files.load()}
    found = everything(islice(open_recording(path, Observer("test"), name, options), most_steps))
    told = [event for event in found.events if isinstance(event.envelope, UiUpdate)]
    for event in told:
        assert isinstance(event.envelope, UiUpdate)
        assert update_problem(manifests[event.envelope.view_id], event.envelope.data) is None
    return told


def counted(events: list[Event]) -> dict[tuple[str, ...], int]:
    """How many updates of each view of each entity."""
    return Counter((*event.series[2:5], event.series.view_id) for event in events)


def folded(events: list[Event], view_id: str) -> dict[str, object]:
    """The last state of a view."""
    state: dict[str, object] = {}
    for event in sorted(events, key=lambda one: one.source_ns):
        if isinstance(event.envelope, UiUpdate) and event.envelope.view_id == view_id:
            state.update(event.envelope.data)
    return state


@pytest.mark.slow
def test_orbit(recordings: Path) -> None:
    """JPSS-1 each second: place, speed and where it points."""
    options = RecordingOptions(xtce=recordings / JPSS_XTCE)
    told = updates(recordings / JPSS, None, options)
    entity = ("ccsds", "apid", "11")
    assert counted(told) == {(*entity, POSITION): 7_200, (*entity, ATTITUDE): 7_200}
    place = folded(told[:2], POSITION)
    assert place["latitude"] == pytest.approx(14.758, abs=1e-3)
    assert place["altitude"] == pytest.approx(828_942, abs=1)
    assert place["speed"] == pytest.approx(7_536, abs=1)
    pointing = folded(told, ATTITUDE)
    parts = [float(str(pointing[name])) for name in ("qw", "qx", "qy", "qz")]
    assert sum(part**2 for part in parts) == pytest.approx(1, abs=1e-5)


@pytest.mark.slow
def test_an_orbit_is_the_same_each_time(recordings: Path) -> None:
    """The same updates with the same eventIds."""
    options = RecordingOptions(xtce=recordings / JPSS_XTCE)
    once, again = (updates(recordings / JPSS, None, options) for _ in range(2))
    assert [event.event_id for event in once] == [event.event_id for event in again]


def test_boat(recordings: Path) -> None:
    """One card of GGA, RMC and GLL together, once a second."""
    told = updates(recordings / BOAT)
    assert counted(told) == {("nmea", "GP", "gps", POSITION): 149}
    state = folded(told, POSITION)
    assert set(state) == {
        *("latitude", "longitude", "altitude", "speed", "course", "fix", "satellites", "hdop")
    }
    assert (state["fix"], state["satellites"]) == ("3D", 12)


def test_bus(recordings: Path) -> None:
    """Ten positions a second are one; the battery is its own entity."""
    told = updates(recordings / BUS)
    found = counted(told)
    assert set(found) == {
        ("can", "can0", "gps-02", POSITION),
        ("can", "can0", "battery-0", BATTERY),
    }
    assert found["can", "can0", "gps-02", POSITION] < 260
    state = folded(told, POSITION)
    assert state["latitude"] == pytest.approx(37.922, abs=1e-3)
    assert folded(told, BATTERY)["stateOfCharge"] == 100


@pytest.mark.slow
def test_drone(recordings: Path) -> None:
    """The first 20 of 69 seconds of attitude at a hundred a second, and the data link."""
    told = updates(recordings / DRONE, most_steps=DRONE_STEPS)
    found = counted(told)
    assert set(found) == {
        ("ulog", "vehicle_attitude", "0", ATTITUDE),
        ("ulog", "vehicle_status", "0", LINK),
    }
    assert 20 <= found["ulog", "vehicle_attitude", "0", ATTITUDE] <= 30
    assert folded(told, LINK) == {"state": "up"}


def test_station(recordings: Path) -> None:
    """A channel of the ISS table: its samples are minutes apart, so each is sent."""
    told = updates(recordings / HTV, "csv", ISS_OPTIONS)
    assert counted(told) == {("iss", "power", "2A", BATTERY): 1_223}
    assert folded(told, BATTERY)["voltage"] == pytest.approx(151.5, abs=0.1)


def test_autopilot_battery_and_fix() -> None:
    """Topics that the sample does not have, with PX4's field names, old and new."""
    battery = {"voltage_v": 16.1, "current_a": 2.5, "remaining": 0.853, "temperature": 31.25}
    (card,) = view_cards.topic_cards("battery_status", battery)
    assert card.data == {
        "stateOfCharge": 85.3,
        "voltage": 16.1,
        "current": 2.5,
        "temperature": 31.2,
    }
    (card,) = view_cards.topic_cards("battery_status", {**battery, "remaining": -1.0})
    assert card.data["stateOfCharge"] is None
    motion = {"vel_m_s": 3.0, "cog_rad": -1.5707963, "satellites_used": 9, "hdop": 0.8}
    old = {"lat": 473977420, "lon": 85455940, "alt": 488_000, "fix_type": 3}
    new = {"latitude_deg": 47.397742, "longitude_deg": 8.545594, "altitude_msl_m": 488.0}
    for topic, place in (("vehicle_gps_position", old), ("sensor_gps", {**new, "fix_type": 3})):
        (card,) = view_cards.topic_cards(topic, {**place, **motion})
        assert card.view_id == POSITION
        assert card.data == {
            "latitude": 47.397742,
            "longitude": 8.545594,
            "altitude": 488.0,
            "speed": 3.0,
            "course": 270.0,
            "satellites": 9,
            "hdop": 0.8,
            "fix": "3D",
        }
    (card,) = view_cards.topic_cards("sensor_gps", {**new, "fix_type": 1})
    assert "latitude" not in card.data
    assert card.data["fix"] == "none"


def test_sentences_without_a_fix() -> None:
    """GGA says that there is none; RMC then says nothing, and so do other sentences."""
    (card,) = view_cards.sentence_cards("GGA", {"gps_qual": 0, "num_sats": 0}, None)
    assert card.data == {"fix": "none", "satellites": 0, "hdop": None}
    assert list(view_cards.sentence_cards("RMC", {"status": "V"}, None)) == []
    assert list(view_cards.sentence_cards("GSV", {}, None)) == []


def test_packets_of_other_missions_have_no_card() -> None:
    """Fields by other names, or a receiver that has no place yet."""
    assert list(view_cards.packet_cards({"VOLTS": 1})) == []
    nowhere = {f"ADGPS{name}{axis}": 0 for name in ("POS", "VEL") for axis in "XYZ"}
    assert list(view_cards.packet_cards(nowhere)) == []


def test_bus_messages_of_others() -> None:
    """A course by the compass, a generator, and what has no view."""
    assert list(view_cards.bus_cards("cogSogRapidUpdate", {"cogReference": "Magnetic"}, "02")) == []
    assert list(view_cards.bus_cards("dcDetailedStatus", {"dcType": "Alternator"}, "02")) == []
    assert list(view_cards.bus_cards("waterDepth", {"depth": 3}, "02")) == []
