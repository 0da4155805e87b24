"""Charge and temperatures: a memory that is nevertheless a function of time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nova.hardware.simulator.body import BLOCK_STEPS, STEP_S, BodyHistory
from nova.hardware.simulator.orbit import Orbit
from nova.sdk import timestamps
from tests.laws import law

MIDNIGHT = timestamps.parse("2026-11-01T00:00:00Z")
DAY_NS = 86_400 * 10**9
BLOCK_NS = BLOCK_STEPS * STEP_S * 10**9


@law(examples=4)
@given(st.lists(st.integers(MIDNIGHT, MIDNIGHT + DAY_NS), min_size=2, max_size=4))
def test_body_does_not_depend_on_what_was_asked_before(times: list[int]) -> None:
    """Asked in any order, by an old simulator or a new one, a time has one body."""
    orbit = Orbit()
    history = BodyHistory(orbit)
    for at_ns in times:
        assert history.at(at_ns) == BodyHistory(orbit).at(at_ns)


def test_blocks_join_without_a_step() -> None:
    """The guess that a block begins with is forgotten before its first moment."""
    for number in range(1, 4):
        border_ns = MIDNIGHT // BLOCK_NS * BLOCK_NS + number * BLOCK_NS
        history = BodyHistory(Orbit())
        before, after = history.at(border_ns - 1), history.at(border_ns)
        assert abs(before.charge - after.charge) < 1e-6
        for name, value in before.temperatures_c.items():
            assert abs(value - after.temperatures_c[name]) < 1e-3


def test_battery_is_drained_and_filled_in_every_orbit() -> None:
    """Full in the sun and well above empty after the shadow."""
    history = BodyHistory(Orbit())
    charges = [history.at(MIDNIGHT + minute * 60 * 10**9).charge for minute in range(102)]
    assert max(charges) == 1.0
    assert 0.4 < min(charges) < 0.9
