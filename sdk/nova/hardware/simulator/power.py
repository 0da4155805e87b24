"""The battery: solar power minus the loads of the mode, and the resulting voltage."""

from __future__ import annotations

from dataclasses import dataclass

from nova.hardware.simulator.mode import Mode

CAPACITY_WH = 1_600.0
PANELS_W = 2_900.0
LOAD_W: dict[Mode, float] = {"STANDBY": 850.0, "IMAGING": 1_250.0, "DOWNLINK": 1_150.0}
HEATER_W = 120.0
CAMERA_W = 45.0
CHARGE_EFFICIENCY = 0.95
EMPTY_V, FULL_V = 26.0, 33.2
RESISTANCE_OHM = 0.012


@dataclass(frozen=True, slots=True)
class Power:
    """Charge as a fraction, and the power of panels and loads."""

    charge: float
    panels_w: float
    load_w: float

    @property
    def current_a(self) -> float:
        """The current into the battery; negative while it discharges."""
        surplus_w = self.panels_w - self.load_w
        if self.charge >= 1.0 and surplus_w > 0:
            return 0.0
        return surplus_w / (EMPTY_V + (FULL_V - EMPTY_V) * self.charge)

    @property
    def voltage_v(self) -> float:
        """The terminal voltage."""
        open_v = EMPTY_V + (FULL_V - EMPTY_V) * self.charge
        return open_v + self.current_a * RESISTANCE_OHM


def flows(mode: Mode, sunlit: bool, heater: bool, camera: bool = False) -> tuple[float, float]:
    """The power of panels and loads in watts."""
    extra_w = (HEATER_W if heater else 0.0) + (CAMERA_W if camera else 0.0)
    return (PANELS_W if sunlit else 0.0), LOAD_W[mode] + extra_w


def charge_after(charge: float, panels_w: float, load_w: float, step_s: float) -> float:
    surplus_w = panels_w - load_w
    stored_w = surplus_w * CHARGE_EFFICIENCY if surplus_w > 0 else surplus_w
    return max(0.0, min(1.0, charge + stored_w * step_s / 3600 / CAPACITY_WH))
