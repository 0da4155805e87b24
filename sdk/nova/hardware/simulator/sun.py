"""The sun's direction (to 0.01°), and whether a position in orbit is in sunlight."""

from __future__ import annotations

import math

Vector = tuple[float, float, float]

NS_PER_DAY = 86_400 * 1_000_000_000
J2000_NS = 946_728_000 * 1_000_000_000
EARTH_RADIUS_KM = 6378.137


def direction(at_ns: int) -> Vector:
    """The unit vector from earth to sun, equator and equinox of date (Astronomical Almanac)."""
    days = (at_ns - J2000_NS) / NS_PER_DAY
    anomaly = math.radians(357.528 + 0.9856003 * days)
    longitude = math.radians(
        280.460 + 0.9856474 * days + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly)
    )
    obliquity = math.radians(23.439 - 0.0000004 * days)
    return (
        math.cos(longitude),
        math.cos(obliquity) * math.sin(longitude),
        math.sin(obliquity) * math.sin(longitude),
    )


def shines_on(position_km: Vector, at_ns: int) -> bool:
    """Whether a position is outside of the earth's shadow, modelled as a cylinder."""
    sun = direction(at_ns)
    along = sum(p * s for p, s in zip(position_km, sun, strict=True))
    if along >= 0:
        return True
    beside = math.dist(position_km, tuple(along * s for s in sun))
    return beside > EARTH_RADIUS_KM
