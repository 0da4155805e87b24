"""Telemetry: a state of the satellite as events, raw, parsed and ui for each of its units."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sdk import timestamps
from sdk.event import Event
from sdk.observation import Entity, Observer
from sdk.simulator.frame import frame
from sdk.simulator.mode import Mode
from sdk.simulator.satellite import State

SYSTEM_ID = "sat"
SCHEMA_VERSION = "1"
MANIFEST_VERSION = "1.0.0"
MODE_NUMBERS: dict[Mode, int] = {"STANDBY": 0, "IMAGING": 1, "DOWNLINK": 2}

GPS = Entity(SYSTEM_ID, "gnc", "gps")
ATTITUDE = Entity(SYSTEM_ID, "gnc", "attitude")
BATTERY = Entity(SYSTEM_ID, "eps", "battery")
TEMPERATURE = Entity(SYSTEM_ID, "thermal", "temperature")
COMPUTER = Entity(SYSTEM_ID, "obc", "computer")

CAPABILITIES: dict[Entity, tuple[str, ...]] = {
    GPS: ("telemetry:Position",),
    ATTITUDE: ("telemetry:Attitude", "command:attitude.point"),
    BATTERY: ("telemetry:Battery",),
    TEMPERATURE: ("telemetry:Temperatures", "command:heater.set"),
    COMPUTER: ("telemetry:Computer", "command:mode.set", "command:camera.capture"),
}


class _Report(NamedTuple):
    """What one unit says about a state."""

    entity: Entity
    apid: int
    layout: struct.Struct
    message_type: str
    payload: Mapping[str, object]
    numbers: tuple[float, ...]


def descriptors(observer: Observer, at_ns: int) -> Iterator[Event]:
    """What each unit can do, told just before its first telemetry."""
    for entity, capabilities in CAPABILITIES.items():
        yield observer.observe(entity, at_ns).descriptor(capabilities, SCHEMA_VERSION)


def events(observer: Observer, state: State, previous: Mode | None) -> Iterator[Event]:
    """All events of a state; `previous` is the mode before it, where that is known."""
    for report in _reports(state):
        observation = observer.observe(report.entity, state.at_ns)
        packet, sequence = frame(report.apid, state.at_ns, report.layout, *report.numbers)
        yield observation.raw(packet, connection_id="s-band", sequence=sequence)
        yield observation.parsed(report.message_type, report.payload, SCHEMA_VERSION)
        name = report.entity.unique_id
        yield observation.ui(f"telemetry.{name}", name, MANIFEST_VERSION, report.payload)
        if report.entity == COMPUTER and previous not in (None, state.mode):
            change = {"mode": state.mode, "previousMode": previous}
            effective_time = timestamps.text(state.at_ns)
            yield observation.metadata("ModeChanged", change, effective_time)


def _reports(state: State) -> Iterator[_Report]:
    yield _gps(state)
    yield _attitude(state)
    yield _battery(state)
    yield _temperature(state)
    yield _computer(state)


def _gps(state: State) -> _Report:
    fix = state.fix
    payload = {
        "latitude": round(fix.latitude_deg, 7),
        "longitude": round(fix.longitude_deg, 7),
        "altitude": round(fix.altitude_m, 2),
        "speed": round(state.place.speed_m_s, 3),
        "satellites": fix.satellites,
        "fix": "3D",
    }
    numbers = (fix.latitude_deg, fix.longitude_deg, fix.altitude_m, float(fix.satellites))
    return _Report(GPS, 101, struct.Struct(">dddf"), "Position", payload, numbers)


def _attitude(state: State) -> _Report:
    attitude = state.attitude
    quaternion = attitude.quaternion()
    payload: dict[str, object] = {
        "roll": round(attitude.roll_deg, 4),
        "pitch": round(attitude.pitch_deg, 4),
        "yaw": round(attitude.yaw_deg, 4),
    }
    for name, part in zip(("qw", "qx", "qy", "qz"), quaternion, strict=True):
        payload[name] = round(part, 7)
    for name, rate in zip(("rollRate", "pitchRate", "yawRate"), attitude.rates_deg_s, strict=True):
        payload[name] = round(rate, 5)
    numbers = (*quaternion, *attitude.rates_deg_s)
    return _Report(ATTITUDE, 102, struct.Struct(">7f"), "Attitude", payload, numbers)


def _battery(state: State) -> _Report:
    power = state.power
    numbers = (
        100 * power.charge,
        power.voltage_v,
        power.current_a,
        power.panels_w,
        power.load_w,
    )
    names = ("stateOfCharge", "voltage", "current", "solarPower", "load")
    payload: dict[str, object] = {
        name: round(number, 3) for name, number in zip(names, numbers, strict=True)
    }
    payload["sunlit"] = state.place.sunlit
    return _Report(BATTERY, 103, struct.Struct(">5f"), "Battery", payload, numbers)


def _temperature(state: State) -> _Report:
    temperatures_c = state.body.temperatures_c
    payload: dict[str, object] = {name: round(c, 2) for name, c in temperatures_c.items()}
    payload["heaterOn"] = state.body.heater
    numbers = tuple(temperatures_c.values())
    return _Report(TEMPERATURE, 104, struct.Struct(">4f"), "Temperatures", payload, numbers)


def _computer(state: State) -> _Report:
    payload = {
        "mode": state.mode,
        "cpuLoad": round(state.cpu_percent, 1),
        "stationDistance": round(state.station_km, 1),
    }
    numbers = (float(MODE_NUMBERS[state.mode]), state.cpu_percent, state.station_km)
    return _Report(COMPUTER, 105, struct.Struct(">3f"), "Computer", payload, numbers)
