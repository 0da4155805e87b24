"""Pointing to a place on ground."""

from __future__ import annotations

import pytest

from nova.hardware.simulator.orbit import OrbitPosition
from nova.hardware.simulator.pointing import ROLL_MAX_DEG, roll_towards

HERE = OrbitPosition(0.0, 0.0, 800_000.0, 7_500.0, True)
NORTHWARD = OrbitPosition(0.06, 0.0, 800_000.0, 7_500.0, True)


@pytest.mark.parametrize(
    ("longitude_deg", "low_deg", "high_deg"),
    [(0.0, -0.01, 0.01), (1.0, 7.0, 9.0), (-1.0, -9.0, -7.0), (60.0, 30.0, 30.0)],
)
def test_rolls_to_the_side_of_the_place(
    longitude_deg: float, low_deg: float, high_deg: float
) -> None:
    """Flying north over the equator, east is to the right; a degree at 800 km is some 8 degrees."""
    roll_deg = roll_towards(HERE, NORTHWARD, 0.0, longitude_deg)
    assert low_deg <= roll_deg <= high_deg
    assert abs(roll_deg) <= ROLL_MAX_DEG


def test_a_place_ahead_needs_no_roll() -> None:
    """Along the track there is nothing to roll to."""
    assert roll_towards(HERE, NORTHWARD, 3.0, 0.0) == pytest.approx(0.0, abs=1e-6)
