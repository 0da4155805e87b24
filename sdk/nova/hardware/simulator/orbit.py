"""The orbit: SGP4 from a two-line element set, to latitude, longitude and altitude."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, cast

from nova.hardware.simulator import sun
from nova.hardware.simulator.sun import NS_PER_DAY, Vector
from nova.sdk.errors import NovaError
from nova.sdk.geodesy import geodetic
from nova.sdk.optional_imports import import_optional

# NOAA-20 (JPSS-1) as published for 30 May 2026, 12:29:47 UTC. At 824 km there is so little drag
# that the orbit stays realistic for decades, although the position along it soon deviates.
NOAA_20 = (
    "1 43013U 17073A   26150.52069252  .00000077  00000+0  57395-4 0  9990",
    "2 43013  98.7769  90.1408 0000844  36.6985 323.4249 14.19508124441960",
)
UNIX_EPOCH_JD = 2_440_587.5


@dataclass(frozen=True, slots=True)
class OrbitPosition:
    """The satellite's position and speed."""

    latitude_deg: float
    longitude_deg: float
    altitude_m: float
    speed_m_s: float
    sunlit: bool


class _Sgp4Satellite(Protocol):
    def sgp4(self, jd: float, fraction: float) -> tuple[int, Vector, Vector]: ...


class Orbit:
    """Positions over time, from one element set."""

    def __init__(self, lines: tuple[str, str] = NOAA_20) -> None:
        self._satellite = cast(
            _Sgp4Satellite, import_optional("sgp4.api", "simulator").Satrec.twoline2rv(*lines)
        )
        self._sidereal = import_optional("sgp4.propagation", "simulator").gstime

    def sunlit(self, at_ns: int) -> bool:
        position_km, _ = self._propagate(at_ns)
        return sun.shines_on(position_km, at_ns)

    def at(self, at_ns: int) -> OrbitPosition:
        position_km, velocity_km_s = self._propagate(at_ns)
        day, fraction = _julian(at_ns)
        x, y, z = (1000 * part for part in position_km)
        latitude, longitude, altitude_m = geodetic((x, y, z), float(self._sidereal(day + fraction)))
        return OrbitPosition(
            latitude,
            longitude,
            altitude_m,
            1000 * math.hypot(*velocity_km_s),
            sun.shines_on(position_km, at_ns),
        )

    def _propagate(self, at_ns: int) -> tuple[Vector, Vector]:
        """Position and velocity in TEME."""
        error, position_km, velocity_km_s = self._satellite.sgp4(*_julian(at_ns))
        if error:
            raise NovaError(f"SGP4 cannot propagate the element set to that time (error {error})")
        return position_km, velocity_km_s


def _julian(at_ns: int) -> tuple[float, float]:
    """The Julian date in two parts, which together keep the precision of nanoseconds."""
    days, rest = divmod(at_ns, NS_PER_DAY)
    return UNIX_EPOCH_JD + days, rest / NS_PER_DAY
