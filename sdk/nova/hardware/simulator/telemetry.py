"""Telemetry: each unit's report of the state, as JSON and as a binary frame."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from nova.hardware.simulator.frame import HEADERS_BYTES, frame
from nova.hardware.simulator.mode import Mode
from nova.hardware.simulator.satellite import SatelliteState
from nova.sdk.events.observation import Entity

SYSTEM_ID = "sat"
SCHEMA_VERSION = "1"
MANIFEST_VERSION = "1.0.0"
STRUCT_KIND = re.compile("[a-z]")
LINK_NUMBERS = {"up": 1.0, "degraded": 0.5}
MODE_NUMBERS: dict[Mode, int] = {"STANDBY": 0, "IMAGING": 1, "DOWNLINK": 2}

GPS = Entity(SYSTEM_ID, "gnc", "gps")
ATTITUDE = Entity(SYSTEM_ID, "gnc", "attitude")
BATTERY = Entity(SYSTEM_ID, "eps", "battery")
TEMPERATURE = Entity(SYSTEM_ID, "thermal", "temperature")
COMPUTER = Entity(SYSTEM_ID, "obc", "computer")
LINK = Entity(SYSTEM_ID, "comms", "link")

CAPABILITIES: dict[Entity, tuple[str, ...]] = {
    GPS: ("telemetry:Position",),
    ATTITUDE: ("telemetry:Attitude", "command:attitude.point", "command:attitude.nadir"),
    BATTERY: ("telemetry:Battery",),
    TEMPERATURE: ("telemetry:Temperatures", "command:heater.set", "command:heater.auto"),
    COMPUTER: (
        "telemetry:Computer",
        "command:mode.set",
        "command:mode.auto",
        "command:camera.capture",
    ),
    LINK: ("telemetry:Link",),
}


class UnitReport(NamedTuple):
    """One unit's report of a state."""

    entity: Entity
    apid: int
    layout: struct.Struct
    message_type: str
    payload: Mapping[str, object]
    numbers: tuple[float, ...]
    names: tuple[str, ...]
    """The fields of the payload that the numbers of the frame hold."""

    def places(self) -> dict[str, tuple[int, int]]:
        """The first bit and the size of each field in the frame."""
        at, places = 8 * HEADERS_BYTES, {}
        for name, kind in zip(self.names, STRUCT_KIND.findall(self.layout.format), strict=True):
            bits = 8 * struct.calcsize(f">{kind}")
            places[name] = (at, bits)
            at += bits
        return places

    def packet(self, at_ns: int) -> tuple[bytes, int]:
        """Its housekeeping frame with that frame's sequence count."""
        return frame(self.apid, at_ns, self.layout, *self.numbers)

    @property
    def view_id(self) -> str:
        """The view that shows it; the manifest is named after the unit."""
        return "status.link" if self.entity == LINK else f"telemetry.{self.entity.unique_id}"


def mode_change(state: SatelliteState, previous: Mode | None) -> dict[str, object] | None:
    """The payload of `ModeChanged`; None if the mode is unchanged or was unknown."""
    if previous in (None, state.mode):
        return None
    return {"mode": state.mode, "previousMode": previous}


def reports(state: SatelliteState) -> Iterator[UnitReport]:
    yield _gps(state)
    yield _attitude(state)
    yield _battery(state)
    yield _temperature(state)
    yield _computer(state)
    yield _link(state)


def _gps(state: SatelliteState) -> UnitReport:
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
    names = ("latitude", "longitude", "altitude", "satellites")
    return UnitReport(GPS, 101, struct.Struct(">dddf"), "Position", payload, numbers, names)


def _attitude(state: SatelliteState) -> UnitReport:
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
    names = ("qw", "qx", "qy", "qz", "rollRate", "pitchRate", "yawRate")
    layout = struct.Struct(">fffffff")
    return UnitReport(ATTITUDE, 102, layout, "Attitude", payload, numbers, names)


def _battery(state: SatelliteState) -> UnitReport:
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
    return UnitReport(BATTERY, 103, struct.Struct(">fffff"), "Battery", payload, numbers, names)


def _temperature(state: SatelliteState) -> UnitReport:
    temperatures_c = state.body.temperatures_c
    payload: dict[str, object] = {name: round(c, 2) for name, c in temperatures_c.items()}
    payload["heaterOn"] = state.heater
    numbers = tuple(temperatures_c.values())
    names, layout = tuple(temperatures_c), struct.Struct(">ffff")
    return UnitReport(TEMPERATURE, 104, layout, "Temperatures", payload, numbers, names)


def _computer(state: SatelliteState) -> UnitReport:
    payload = {
        "mode": state.mode,
        "cpuLoad": round(state.cpu_percent, 1),
        "stationDistance": round(state.station_km, 1),
        "camera": "exposing" if state.camera.exposing else "idle",
        "images": state.camera.images,
    }
    numbers = (
        float(MODE_NUMBERS[state.mode]),
        state.cpu_percent,
        state.station_km,
        float(state.camera.exposing),
        float(state.camera.images),
    )
    names, layout = tuple(payload), struct.Struct(">fffff")
    return UnitReport(COMPUTER, 105, layout, "Computer", payload, numbers, names)


def _link(state: SatelliteState) -> UnitReport:
    link = state.link
    payload = {
        "state": link.state,
        "rate": round(link.rate_kbit_s, 1),
        "roundTrip": round(link.round_trip_ms, 1),
        "loss": round(link.loss_percent, 2),
        "signal": round(link.signal_dbm, 1),
    }
    numbers = (
        LINK_NUMBERS[link.state],
        link.rate_kbit_s,
        link.round_trip_ms,
        link.loss_percent,
        link.signal_dbm,
    )
    return UnitReport(LINK, 106, struct.Struct(">fffff"), "Link", payload, numbers, tuple(payload))
