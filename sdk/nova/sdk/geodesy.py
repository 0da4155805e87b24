"""Geodesy: Cartesian positions to latitude, longitude and altitude on the WGS 84 ellipsoid."""

from __future__ import annotations

import math
from typing import NamedTuple

WGS84_A_M = 6_378_137.0
WGS84_E2 = 6.694_379_990_14e-3
GEODETIC_ITERATIONS = 5


class GeodeticPosition(NamedTuple):
    """A geodetic position; the altitude is above the ellipsoid."""

    latitude_deg: float
    longitude_deg: float
    altitude_m: float


def geodetic(position_m: tuple[float, float, float], rotation_rad: float = 0.0) -> GeodeticPosition:
    """Convert a position in a frame whose x axis is `rotation_rad` west of the prime meridian."""
    x, y, z = position_m
    longitude = math.atan2(y, x) - rotation_rad
    across = math.hypot(x, y)
    latitude = math.atan2(z, across * (1 - WGS84_E2))
    altitude = 0.0
    for _ in range(GEODETIC_ITERATIONS):
        root = math.sqrt(1 - WGS84_E2 * math.sin(latitude) ** 2)
        altitude = across * math.cos(latitude) + z * math.sin(latitude) - WGS84_A_M * root
        normal = WGS84_A_M / root
        latitude = math.atan2(z, across * (1 - WGS84_E2 * normal / (normal + altitude)))
    return GeodeticPosition(
        math.degrees(latitude), (math.degrees(longitude) + 180) % 360 - 180, altitude
    )
