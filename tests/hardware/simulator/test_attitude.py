"""The attitude: smooth, bounded, and a rotation."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.hardware.simulator.attitude import SLEW_EVERY_S, SLEW_MAX_DEG, Attitude, attitude_at
from nova.sdk import timestamps

NOON = timestamps.parse("2026-11-01T12:00:00Z")
times = st.integers(NOON, NOON + 86_400 * 10**9)


@given(st.integers(0, 99), times)
def test_attitude_is_a_bounded_rotation(seed: int, at_ns: int) -> None:
    """The quaternion has length one; no slew is wilder than its limit; rates are gentle."""
    attitude = attitude_at(seed, at_ns)
    assert math.hypot(*attitude.quaternion()) == pytest.approx(1.0)
    assert abs(attitude.roll_deg) <= SLEW_MAX_DEG + 0.6
    assert abs(attitude.pitch_deg) <= 0.4
    assert all(abs(rate) < 1.5 for rate in attitude.rates_deg_s)


@pytest.mark.parametrize(
    ("angles", "expected"),
    [
        ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0)),
        ((90.0, 0.0, 0.0), (math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0)),
        ((0.0, 90.0, 0.0), (math.sqrt(0.5), 0.0, math.sqrt(0.5), 0.0)),
        ((0.0, 0.0, 180.0), (0.0, 0.0, 0.0, 1.0)),
        ((90.0, 0.0, 90.0), (0.5, 0.5, 0.5, 0.5)),
    ],
)
def test_quaternions(
    angles: tuple[float, float, float], expected: tuple[float, float, float, float]
) -> None:
    """Turns about one axis, and yaw before roll."""
    assert Attitude(*angles, (0.0, 0.0, 0.0)).quaternion() == pytest.approx(expected)


def test_slews_happen_without_jumps() -> None:
    """Within an hour the satellite looks aside, and from second to second it moves little."""
    rolls = [attitude_at(1, NOON + second * 10**9).roll_deg for second in range(15 * SLEW_EVERY_S)]
    assert max(abs(roll) for roll in rolls) > 5
    assert max(abs(b - a) for a, b in pairwise(rolls)) < 1.0


def test_seed_makes_another_satellite() -> None:
    """Another seed sways otherwise."""
    assert attitude_at(1, NOON) != attitude_at(2, NOON)
