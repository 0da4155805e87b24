"""The satellite: its state is a function of seed and time."""

from __future__ import annotations

from nova.hardware.simulator.satellite import Satellite
from nova.sdk import timestamps

NOON = timestamps.parse("2026-11-01T12:00:00Z")


def test_state_depends_on_seed_and_time_only() -> None:
    """Invariant 2: whatever was asked before, a satellite says the same of the present."""
    old, new = Satellite(7), Satellite(7)
    for second in range(0, 3600, 300):
        old.at(NOON - 3600 * 10**9 + second * 10**9)
    assert old.at(NOON) == new.at(NOON)
    assert old.at(NOON) == new.at(NOON)


def test_another_seed_is_another_satellite() -> None:
    """In the same orbit, with other noise and other slews."""
    one, other = Satellite(1).at(NOON), Satellite(2).at(NOON)
    assert one.place == other.place
    assert one.fix != other.fix
    assert one.attitude != other.attitude


def test_fix_is_near_the_place() -> None:
    """GPS noise is metres, also where degrees of longitude are short."""
    satellite = Satellite(1)
    for minute in range(102):
        state = satellite.at(NOON + minute * 60 * 10**9)
        assert abs(state.fix.latitude_deg - state.place.latitude_deg) < 2e-4
        assert abs(state.fix.altitude_m - state.place.altitude_m) < 30
        assert -180 <= state.fix.longitude_deg < 180
        assert 8 <= state.fix.satellites <= 13
