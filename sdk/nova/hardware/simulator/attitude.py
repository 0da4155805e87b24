"""Attitude: nadir pointing with a slow sway and occasional slews."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nova.hardware.simulator import noise
from nova.hardware.simulator.orders import Orders
from nova.sdk.timestamps import NS_PER_SECOND

SLEW_EVERY_S = 240
SLEW_LASTS_S = 40.0
SLEW_MAX_DEG = 18.0
SWAYS = (("roll", 0.6, 5_400.0), ("pitch", 0.4, 3_100.0), ("yaw", 1.5, 6_090.0))
"""Axis, amplitude in degrees, period in seconds."""
RATE_STEP_NS = NS_PER_SECOND // 2


@dataclass(frozen=True, slots=True)
class Attitude:
    """Roll, pitch, yaw against the orbital frame in degrees, their rates in degrees per second."""

    roll_deg: float
    pitch_deg: float
    yaw_deg: float
    rates_deg_s: tuple[float, float, float]

    def quaternion(self) -> tuple[float, float, float, float]:
        """The attitude as a unit quaternion w, x, y, z (rotation order yaw, pitch, roll)."""
        half = [math.radians(angle) / 2 for angle in (self.roll_deg, self.pitch_deg, self.yaw_deg)]
        cr, cp, cy = (math.cos(angle) for angle in half)
        sr, sp, sy = (math.sin(angle) for angle in half)
        return (
            cr * cp * cy + sr * sp * sy,
            sr * cp * cy - cr * sp * sy,
            cr * sp * cy + sr * cp * sy,
            cr * cp * sy - sr * sp * cy,
        )


def attitude_at(seed: int, at_ns: int, orders: Orders | None = None) -> Attitude:
    """The attitude at a time, as planned or as ordered."""
    orders = orders or Orders()
    before, now, after = (
        _angles(seed, at_ns + offset, orders) for offset in (-RATE_STEP_NS, 0, RATE_STEP_NS)
    )
    span_s = 2 * RATE_STEP_NS / NS_PER_SECOND
    roll, pitch, yaw = ((b - a) / span_s for a, b in zip(before, after, strict=True))
    return Attitude(*now, (roll, pitch, yaw))


def _angles(seed: int, at_ns: int, orders: Orders) -> tuple[float, float, float]:
    roll, pitch, yaw = (
        amplitude
        * math.sin(
            math.tau * (at_ns / NS_PER_SECOND % period_s) / period_s
            + noise.uniform(seed, axis, 0, 0.0, math.tau)
        )
        for axis, amplitude, period_s in SWAYS
    )
    return roll + _commanded(seed, at_ns, orders), pitch, yaw


def _commanded(seed: int, at_ns: int, orders: Orders) -> float:
    """The planned roll, or a smooth slew between it and the last ordered roll."""
    plan = roll = _slew(seed, at_ns)
    for order in orders.rolls_until(at_ns):
        done = min(1.0, (at_ns - order.at_ns) / NS_PER_SECOND / SLEW_LASTS_S)
        target = plan if order.value is None else float(order.value)
        roll += (target - roll) * _smooth(done)
    return roll


def _smooth(done: float) -> float:
    """Smoothstep: from 0 to 1 with zero slope at both ends."""
    return done * done * (3 - 2 * done)


def _slew(seed: int, at_ns: int) -> float:
    """The planned roll: a smooth slew from the previous target to the present one."""
    number, rest_ns = divmod(at_ns, SLEW_EVERY_S * NS_PER_SECOND)
    done = min(1.0, rest_ns / NS_PER_SECOND / SLEW_LASTS_S)
    before, target = (_target(seed, number + step) for step in (-1, 0))
    return before + (target - before) * _smooth(done)


def _target(seed: int, number: int) -> float:
    """Every third slew looks aside, the others return to nadir."""
    if number % 3:
        return 0.0
    return noise.uniform(seed, "slew", number, -SLEW_MAX_DEG, SLEW_MAX_DEG)
