"""State with a memory: charge and temperatures, integrated on a fixed time grid.

Each block of hours is integrated from eight hours before its start, from the same initial values.
By then the full charge of every orbit and the parts' thermal lag have removed their influence. So
the state depends on time and orders only: a restarted simulator repeats the telemetry of the
previous one. An order acts from the next grid step on, which was not read before the order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nova.hardware.simulator import power, thermal
from nova.hardware.simulator.mode import mode_at
from nova.hardware.simulator.orbit import Orbit
from nova.hardware.simulator.orders import Orders
from nova.sdk.timestamps import NS_PER_SECOND

STEP_S = 10
BLOCK_STEPS = 6 * 3600 // STEP_S
WARM_UP_STEPS = 8 * 3600 // STEP_S
START_CHARGE = 0.9


@dataclass(frozen=True, slots=True)
class Body:
    """Charge as a fraction, temperatures in °C."""

    charge: float
    temperatures_c: dict[str, float]

    @property
    def heater(self) -> bool:
        """Whether the battery's thermostat would turn its heater on."""
        return thermal.heater_on(self.temperatures_c)


class BodyHistory:
    """The body over time; fast when queried forwards, integrates anew when queried backwards."""

    def __init__(self, orbit: Orbit, orders: Orders | None = None) -> None:
        self._orbit = orbit
        self._orders = orders or Orders()
        self._block: int | None = None
        self._number = 0
        self._steps: Iterator[Body] = iter(())
        self._now = self._next = Body(START_CHARGE, thermal.START_C)

    def at(self, at_ns: int) -> Body:
        """The body at a time, interpolated between two steps."""
        number, rest_ns = divmod(at_ns, STEP_S * NS_PER_SECOND)
        block = number // BLOCK_STEPS
        if block != self._block or number < self._number:
            self._begin(block)
        while self._number < number:
            self._now, self._next = self._next, next(self._steps)
            self._number += 1
        return _between(self._now, self._next, rest_ns / NS_PER_SECOND / STEP_S)

    def _begin(self, block: int) -> None:
        self._block = block
        self._number = block * BLOCK_STEPS - WARM_UP_STEPS
        self._steps = self._integrate(self._number)
        self._now, self._next = next(self._steps), next(self._steps)

    def _integrate(self, number: int) -> Iterator[Body]:
        body = Body(START_CHARGE, thermal.START_C)
        while True:
            yield body
            at_ns = number * STEP_S * NS_PER_SECOND
            place = self._orbit.at(at_ns)
            mode = self._orders.mode_at(at_ns) or mode_at(place)
            ordered = self._orders.heater_at(at_ns)
            heater = body.heater if ordered is None else ordered
            camera = self._orders.camera_at(at_ns).exposing
            panels_w, load_w = power.flows(mode, place.sunlit, heater, camera)
            body = Body(
                power.charge_after(body.charge, panels_w, load_w, STEP_S),
                thermal.temperatures_after(
                    body.temperatures_c, place.sunlit, mode != "STANDBY", STEP_S, heater=heater
                ),
            )
            number += 1


def _between(a: Body, b: Body, part: float) -> Body:
    temperatures_c = {
        name: before + (b.temperatures_c[name] - before) * part
        for name, before in a.temperatures_c.items()
    }
    return Body(a.charge + (b.charge - a.charge) * part, temperatures_c)
