"""Orders change the state from their time on, and never before."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from nova.hardware.simulator.attitude import SLEW_LASTS_S
from nova.hardware.simulator.orders import Camera, Order, Orders
from nova.hardware.simulator.power import CAMERA_W, HEATER_W
from nova.hardware.simulator.satellite import Satellite, SatelliteState
from nova.sdk import timestamps
from nova.sdk.timestamps import NS_PER_SECOND

NOON = timestamps.parse("2026-11-01T12:00:00Z")
MINUTE = 60 * NS_PER_SECOND


def told(*orders: Order) -> Satellite:
    """A satellite that was sent something."""
    kept = Orders()
    for order in orders:
        kept.add(order)
    return Satellite(1, orders=kept)


def warmth_c(state: SatelliteState) -> float:
    """The battery's temperature."""
    return state.body.temperatures_c["battery"]


def test_heater_draws_power_at_once_and_warms_the_battery() -> None:
    """The satellite reacts as a body does, not as a flag."""
    off = told(Order(NOON, "heater", 0), Order(NOON, "mode", "STANDBY"))
    on = told(Order(NOON, "heater", 1), Order(NOON, "mode", "STANDBY"))
    now = NOON + NS_PER_SECOND
    assert on.at(now).heater and not off.at(now).heater
    assert on.at(now).power.load_w - off.at(now).power.load_w == HEATER_W
    later = NOON + 20 * MINUTE
    assert warmth_c(on.at(later)) - warmth_c(off.at(later)) > 2.0
    assert on.at(later).power.charge <= off.at(later).power.charge


def test_the_past_of_an_order_is_untouched() -> None:
    """A state is of its time: what was said before an order is still said after it."""
    orders = Orders()
    satellite = Satellite(1, orders=orders)
    before = [satellite.at(NOON + second * NS_PER_SECOND) for second in range(0, 60, 5)]
    orders.add(Order(NOON + MINUTE, "heater", 1))
    orders.add(Order(NOON + MINUTE, "roll", 20.0))
    satellite.at(NOON + 5 * MINUTE)
    again = [satellite.at(NOON + second * NS_PER_SECOND) for second in range(0, 60, 5)]
    assert again[:-1] == before[:-1]
    assert again[-1].body == before[-1].body  # only the rate of turning looks half a second ahead


def test_a_new_simulator_says_the_same_of_an_ordered_past(tmp_path: Path) -> None:
    """Invariant 2: orders are kept, so a restarted satellite repeats itself."""
    path = tmp_path / "orders.jsonl"
    first = Satellite(1, orders=Orders(path))
    times = [NOON + second * NS_PER_SECOND for second in range(0, 300, 5)]
    said = []
    for at_ns in times:
        said.append(first.at(at_ns))
        if at_ns == times[20]:
            first.orders.add(Order(at_ns + 1, "heater", 1))
            first.orders.add(Order(at_ns + 1, "mode", "DOWNLINK"))
            first.orders.add(Order(at_ns + 1, "capture", 1))
    with path.open("ab") as file:
        file.write(b'{"at_ns":1,"kind":"hea')  # as a kill in the middle of an order leaves it
    second = Satellite(1, orders=Orders(path))
    assert [second.at(at_ns) for at_ns in times] == said


def test_roll_slews_to_what_is_ordered_and_back() -> None:
    """Without a jump at either end, and there when the slew is over."""
    end = NOON + 2 * MINUTE
    satellite = told(Order(NOON, "roll", 25.0), Order(end, "roll", None))
    plan = Satellite(1)

    def roll(at_ns: int, one: Satellite = satellite) -> float:
        return one.at(at_ns).attitude.roll_deg

    slew_ns = int(SLEW_LASTS_S * NS_PER_SECOND)
    assert abs(roll(NOON) - roll(NOON, plan)) < 0.1
    assert abs(roll(NOON + slew_ns) - 25) < 1
    assert abs(roll(end) - 25) < 1
    assert abs(roll(end + slew_ns) - roll(end + slew_ns, plan)) < 0.1
    steps = [roll(NOON + second * NS_PER_SECOND) for second in range(45)]
    assert max(abs(b - a) for a, b in pairwise(steps)) < 2.5


def test_camera_counts_its_images_and_draws_power() -> None:
    """Two seconds for each image."""
    orders = Orders()
    orders.add(Order(NOON, "capture", 3))
    seconds = [orders.camera_at(NOON + second * NS_PER_SECOND) for second in (0, 3, 5, 6, 60)]
    assert seconds == [
        Camera(True, 0),
        Camera(True, 1),
        Camera(True, 2),
        Camera(False, 3),
        Camera(False, 3),
    ]
    assert orders.camera_at(NOON - 1) == Camera(False, 0)
    exposing, idle = told(Order(NOON, "capture", 1)).at(NOON + 1), Satellite(1).at(NOON + 1)
    assert exposing.power.load_w - idle.power.load_w == CAMERA_W


def test_mode_is_given_back() -> None:
    """After the release the place decides again."""
    free = Satellite(1).at(NOON + 2 * MINUTE).mode
    assert free != "DOWNLINK"
    satellite = told(Order(NOON, "mode", "DOWNLINK"), Order(NOON + MINUTE, "mode", None))
    assert satellite.at(NOON + 1).mode == "DOWNLINK"
    assert satellite.at(NOON + 2 * MINUTE).mode == free
