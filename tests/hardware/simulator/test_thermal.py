"""Temperatures drift where they are driven."""

from __future__ import annotations

import pytest

from nova.hardware.simulator.thermal import (
    HEATER_ON_BELOW_C,
    START_C,
    THERMAL_PARTS,
    heater_on,
    temperatures_after,
)

LONG_S = 1e6


@pytest.mark.parametrize("busy", [True, False])
@pytest.mark.parametrize("sunlit", [True, False])
def test_after_long_the_goal_is_reached(sunlit: bool, busy: bool) -> None:
    """Every part ends at what sun or shadow and load make of it (the battery warmed, if cold)."""
    settled = temperatures_after(dict.fromkeys(THERMAL_PARTS, 20.0), sunlit, busy, LONG_S)
    for name, part in THERMAL_PARTS.items():
        goal_c = (part.sunlit_c if sunlit else part.shadow_c) + (part.busy_c if busy else 0)
        assert settled[name] == pytest.approx(goal_c)


def test_steps_add_up() -> None:
    """Two steps of a minute are one of two minutes."""
    once = temperatures_after(START_C, True, False, 120)
    twice = temperatures_after(temperatures_after(START_C, True, False, 60), True, False, 60)
    assert twice == pytest.approx(once)


def test_heater_warms_a_cold_battery() -> None:
    """Below its threshold the heater is on, and the battery ends warmer than without."""
    cold = dict.fromkeys(THERMAL_PARTS, HEATER_ON_BELOW_C - 1)
    warm = dict.fromkeys(THERMAL_PARTS, HEATER_ON_BELOW_C + 1)
    assert heater_on(cold)
    assert not heater_on(warm)
    after_cold = temperatures_after(cold, False, False, LONG_S)["battery"]
    assert after_cold > temperatures_after(warm, False, False, LONG_S)["battery"]
