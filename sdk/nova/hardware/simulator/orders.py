"""Orders: the commands given to the satellite, which with seed and time determine its state.

They are stored in a file if there is one, so that a restarted simulator repeats the same past.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from nova.hardware.simulator.mode import Mode
from nova.sdk.timestamps import NS_PER_SECOND

IMAGE_S = 2.0
"""The time for one image, mostly readout."""
ROLLS_BACK_MAX = 8
"""Number of earlier slews that a slew may start from."""

OrderKind = Literal["heater", "mode", "roll", "capture"]


class Order(msgspec.Struct, frozen=True):
    """One order; a value of None returns control to the satellite.

    `heater` takes 1 or 0, `mode` a mode, `roll` degrees, `capture` a number of images.
    """

    at_ns: int
    kind: OrderKind
    value: Mode | float | int | None


class Camera(NamedTuple):
    """The state of the camera."""

    exposing: bool
    images: int


class Orders:
    """All orders so far, by kind and time."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._by_kind: dict[OrderKind, list[Order]] = {}
        if path is not None and path.exists():
            # An incomplete last line was never acted on.
            for line in path.read_bytes().split(b"\n")[:-1]:
                self._append(msgspec.json.decode(line, type=Order))

    def add(self, order: Order) -> None:
        """Store an order, which must be later than all of its kind."""
        if self._path is not None:
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(order) + b"\n")
        self._append(order)

    def _append(self, order: Order) -> None:
        self._by_kind.setdefault(order.kind, []).append(order)

    def _until(self, kind: OrderKind, at_ns: int) -> Sequence[Order]:
        orders = self._by_kind.get(kind, [])
        return orders[: bisect_right(orders, at_ns, key=lambda order: order.at_ns)]

    def heater_at(self, at_ns: int) -> bool | None:
        """Whether the heater is ordered on or off; None if its thermostat decides."""
        orders = self._until("heater", at_ns)
        if not orders or orders[-1].value is None:
            return None
        return bool(orders[-1].value)

    def mode_at(self, at_ns: int) -> Mode | None:
        """The ordered mode; None if its place decides."""
        orders = self._until("mode", at_ns)
        value = orders[-1].value if orders else None
        return value if isinstance(value, str) else None

    def rolls_until(self, at_ns: int) -> Sequence[Order]:
        """The newest roll orders, oldest first."""
        return self._until("roll", at_ns)[-ROLLS_BACK_MAX:]

    def camera_at(self, at_ns: int) -> Camera:
        """Whether the camera is exposing, and how many images it has taken."""
        exposing, images = False, 0
        for order in self._until("capture", at_ns):
            wanted = int(order.value) if isinstance(order.value, int | float) else 0
            done = int((at_ns - order.at_ns) / NS_PER_SECOND / IMAGE_S)
            exposing = done < wanted
            images += min(done, wanted)
        return Camera(exposing, images)
