"""The battery keeps its balance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.hardware.simulator.mode import Mode
from nova.hardware.simulator.power import CAPACITY_WH, Power, charge_after, flows

MODES: list[Mode] = ["STANDBY", "IMAGING", "DOWNLINK"]


@given(st.floats(0, 1), st.sampled_from(MODES), st.booleans(), st.booleans(), st.floats(0, 3600))
def test_charge_follows_the_light(
    charge: float, mode: Mode, sunlit: bool, heater: bool, step_s: float
) -> None:
    """It grows in the sun, sinks in the shadow, and stays between empty and full."""
    panels_w, load_w = flows(mode, sunlit, heater)
    after = charge_after(charge, panels_w, load_w, step_s)
    assert 0 <= after <= 1
    assert after >= charge if sunlit else after <= charge


def test_an_hour_in_the_dark_costs_its_load() -> None:
    """Watts times hours is what is gone."""
    panels_w, load_w = flows("IMAGING", False, False)
    assert panels_w == 0
    assert charge_after(1.0, panels_w, load_w, 3600) == pytest.approx(1 - load_w / CAPACITY_WH)


def test_current_and_voltage_agree_with_the_flow() -> None:
    """Charging lifts the voltage, feeding lowers it, and a full battery takes nothing more."""
    sunny, dark = Power(0.5, 2900, 900), Power(0.5, 0, 900)
    assert sunny.current_a > 0 > dark.current_a
    assert sunny.voltage_v > dark.voltage_v
    assert Power(1.0, 2900, 900).current_a == 0
    assert Power(1.0, 0, 900).current_a < 0
