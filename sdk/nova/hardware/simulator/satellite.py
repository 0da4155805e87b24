"""The satellite's whole state at a time, as a function of seed, orders and that time."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nova.hardware.simulator import noise, power
from nova.hardware.simulator.attitude import Attitude, attitude_at
from nova.hardware.simulator.body import Body, BodyHistory
from nova.hardware.simulator.mode import Mode, mode_at, station_distance_km
from nova.hardware.simulator.orbit import Orbit, OrbitPosition
from nova.hardware.simulator.orders import Camera, Orders
from nova.hardware.simulator.power import Power
from nova.hardware.simulator.radio_link import RadioLink, radio_link_at

GPS_SIGMA_M = 2.5
ATTITUDE_SIGMA_DEG = 0.004
TEMPERATURE_SIGMA_C = 0.04
METRES_PER_DEGREE = 111_320.0
GPS_SATELLITES = (8, 13)
CPU_PERCENT: dict[Mode, float] = {"STANDBY": 14.0, "IMAGING": 46.0, "DOWNLINK": 61.0}


@dataclass(frozen=True, slots=True)
class GpsFix:
    """A GPS fix: the place with measurement noise."""

    latitude_deg: float
    longitude_deg: float
    altitude_m: float
    satellites: int


@dataclass(frozen=True, slots=True)
class SatelliteState:
    """The satellite's state at one time."""

    at_ns: int
    place: OrbitPosition
    fix: GpsFix
    attitude: Attitude
    power: Power
    body: Body
    heater: bool
    camera: Camera
    mode: Mode
    station_km: float
    cpu_percent: float
    link: RadioLink


class Satellite:
    """A satellite; other seeds give others in the same orbit."""

    def __init__(
        self, seed: int = 1, orbit: Orbit | None = None, orders: Orders | None = None
    ) -> None:
        self.seed = seed
        self.orders = orders or Orders()
        self._orbit = orbit or Orbit()
        self._bodies = BodyHistory(self._orbit, self.orders)

    def at(self, at_ns: int) -> SatelliteState:
        place = self._orbit.at(at_ns)
        mode = self.orders.mode_at(at_ns) or mode_at(place)
        body = self._bodies.at(at_ns)
        ordered = self.orders.heater_at(at_ns)
        heater = body.heater if ordered is None else ordered
        camera = self.orders.camera_at(at_ns)
        flows = power.flows(mode, place.sunlit, heater, camera.exposing)
        station_km = station_distance_km(place)
        return SatelliteState(
            at_ns=at_ns,
            place=place,
            fix=self._fix(place, at_ns),
            attitude=self._measured(attitude_at(self.seed, at_ns, self.orders), at_ns),
            power=Power(body.charge, *flows),
            body=self._measured_body(body, at_ns),
            heater=heater,
            camera=camera,
            mode=mode,
            station_km=station_km,
            cpu_percent=CPU_PERCENT[mode] + abs(self._noise("cpu", at_ns, 2.0)),
            link=radio_link_at(self.seed, at_ns, station_km),
        )

    def _noise(self, channel: str, at_ns: int, sigma: float) -> float:
        return noise.gauss(self.seed, channel, at_ns, sigma)

    def _fix(self, place: OrbitPosition, at_ns: int) -> GpsFix:
        sigma_deg = GPS_SIGMA_M / METRES_PER_DEGREE
        # A degree of longitude shrinks towards the poles; the orbit never reaches them.
        across_deg = sigma_deg / math.cos(math.radians(place.latitude_deg))
        longitude = place.longitude_deg + self._noise("longitude", at_ns, across_deg)
        return GpsFix(
            place.latitude_deg + self._noise("latitude", at_ns, sigma_deg),
            (longitude + 180) % 360 - 180,
            place.altitude_m + self._noise("altitude", at_ns, 2 * GPS_SIGMA_M),
            round(noise.uniform(self.seed, "satellites", at_ns, *GPS_SATELLITES)),
        )

    def _measured(self, attitude: Attitude, at_ns: int) -> Attitude:
        return Attitude(
            attitude.roll_deg + self._noise("roll", at_ns, ATTITUDE_SIGMA_DEG),
            attitude.pitch_deg + self._noise("pitch", at_ns, ATTITUDE_SIGMA_DEG),
            attitude.yaw_deg + self._noise("yaw", at_ns, ATTITUDE_SIGMA_DEG),
            attitude.rates_deg_s,
        )

    def _measured_body(self, body: Body, at_ns: int) -> Body:
        measured = {
            name: value + self._noise(name, at_ns, TEMPERATURE_SIGMA_C)
            for name, value in body.temperatures_c.items()
        }
        return Body(body.charge, measured)
