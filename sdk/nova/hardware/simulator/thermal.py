"""Temperatures: each part approaches an equilibrium of sun, shadow and load with its own lag."""

from __future__ import annotations

import math
from dataclasses import dataclass

HEATER_ON_BELOW_C = 12.0
HEATER_GAIN_C = 10.0


@dataclass(frozen=True, slots=True)
class ThermalPart:
    """A part's equilibrium temperatures, and the time constant of its approach to them."""

    sunlit_c: float
    shadow_c: float
    busy_c: float
    lag_s: float


THERMAL_PARTS = {
    "solarPanel": ThermalPart(64.0, -58.0, 0.0, 420.0),
    "battery": ThermalPart(21.0, 7.0, 2.0, 2_400.0),
    "onboardComputer": ThermalPart(31.0, 18.0, 4.0, 1_500.0),
    "payload": ThermalPart(9.0, -6.0, 14.0, 1_200.0),
}
START_C = {name: (part.sunlit_c + part.shadow_c) / 2 for name, part in THERMAL_PARTS.items()}


def heater_on(temperatures_c: dict[str, float]) -> bool:
    """Whether the thermostat turns the battery heater on."""
    return temperatures_c["battery"] < HEATER_ON_BELOW_C


def temperatures_after(
    temperatures_c: dict[str, float],
    sunlit: bool,
    busy: bool,
    step_s: float,
    *,
    heater: bool | None = None,
) -> dict[str, float]:
    """All temperatures after a step; if `heater` is None, the thermostat decides."""
    if heater is None:
        heater = heater_on(temperatures_c)
    after = {}
    for name, part in THERMAL_PARTS.items():
        goal_c = (part.sunlit_c if sunlit else part.shadow_c) + (part.busy_c if busy else 0.0)
        if heater and name == "battery":
            goal_c += HEATER_GAIN_C
        before_c = temperatures_c[name]
        after[name] = goal_c + (before_c - goal_c) * math.exp(-step_s / part.lag_s)
    return after
