"""Pointing: the roll that turns the camera towards a point on the ground."""

from __future__ import annotations

import math

from nova.hardware.simulator.mode import EARTH_MEAN_RADIUS_KM
from nova.hardware.simulator.orbit import OrbitPosition
from nova.hardware.simulator.sun import Vector

ROLL_MAX_DEG = 30.0
METRES_PER_KM = 1000.0


def roll_towards(
    here: OrbitPosition, soon: OrbitPosition, latitude_deg: float, longitude_deg: float
) -> float:
    """The roll in degrees, positive to the right of the track, at most ROLL_MAX_DEG.

    `soon` is the position a moment later, which gives the direction of flight.
    """
    up = _direction(here.latitude_deg, here.longitude_deg)
    right = _cross(_direction(soon.latitude_deg, soon.longitude_deg), up)
    target = _direction(latitude_deg, longitude_deg)
    height = 1 + here.altitude_m / METRES_PER_KM / EARTH_MEAN_RADIUS_KM
    sight = tuple(t - height * u for t, u in zip(target, up, strict=True))
    down = -_dot(sight, up)
    aside = _dot(sight, right) / math.hypot(*right)
    roll_deg = math.degrees(math.atan2(aside, down))
    return max(-ROLL_MAX_DEG, min(ROLL_MAX_DEG, roll_deg))


def _direction(latitude_deg: float, longitude_deg: float) -> Vector:
    latitude, longitude = math.radians(latitude_deg), math.radians(longitude_deg)
    across = math.cos(latitude)
    return across * math.cos(longitude), across * math.sin(longitude), math.sin(latitude)


def _cross(a: Vector, b: Vector) -> Vector:
    return (
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    )


def _dot(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))
