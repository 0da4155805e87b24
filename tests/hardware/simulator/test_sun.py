"""The sun, held against dates that almanacs print."""

from __future__ import annotations

import math

import pytest

from nova.hardware.simulator import sun
from nova.sdk import timestamps


def declination_deg(time: str) -> float:
    """How far the sun stands north of the equator."""
    return math.degrees(math.asin(sun.direction(timestamps.parse(time))[2]))


@pytest.mark.parametrize(
    ("time", "expected_deg"),
    [
        ("2026-03-20T14:46:00Z", 0.0),
        ("2026-06-21T08:24:00Z", 23.436),
        ("2026-09-23T00:05:00Z", 0.0),
        ("2026-12-21T20:50:00Z", -23.436),
    ],
)
def test_equinoxes_and_solstices(time: str, expected_deg: float) -> None:
    """Over the equator at the equinoxes, over the tropics at the solstices."""
    assert declination_deg(time) == pytest.approx(expected_deg, abs=0.01)


def test_march_equinox_points_to_aries() -> None:
    """The x axis is where the sun stands in March."""
    x, y, z = sun.direction(timestamps.parse("2026-03-20T14:46:00Z"))
    assert (x, y, z) == pytest.approx((1.0, 0.0, 0.0), abs=2e-4)


def test_shadow_is_behind_the_earth() -> None:
    """Dark behind the earth, light beside its shadow and before it."""
    at_ns = timestamps.parse("2026-03-20T14:46:00Z")
    for position, lit in (
        ((7000.0, 0.0, 0.0), True),
        ((-7000.0, 0.0, 0.0), False),
        ((-7000.0, 6300.0, 0.0), False),
        ((-7000.0, 6450.0, 0.0), True),
        ((-7000.0, 0.0, -6450.0), True),
    ):
        assert sun.shines_on(position, at_ns) is lit
