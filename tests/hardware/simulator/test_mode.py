"""Modes follow from place and light."""

from __future__ import annotations

import pytest

from nova.hardware.simulator.mode import STATION_DEG, mode_at, station_distance_km
from nova.hardware.simulator.orbit import OrbitPosition


def place(latitude: float, longitude: float, sunlit: bool) -> OrbitPosition:
    """A place in orbit."""
    return OrbitPosition(latitude, longitude, 824_000.0, 7_450.0, sunlit)


@pytest.mark.parametrize(
    ("latitude", "longitude", "sunlit", "expected"),
    [
        (*STATION_DEG, False, "DOWNLINK"),
        (60.0, 15.0, True, "DOWNLINK"),
        (0.0, 15.0, True, "IMAGING"),
        (0.0, 15.0, False, "STANDBY"),
        (-75.0, 15.0, True, "STANDBY"),
    ],
)
def test_modes(latitude: float, longitude: float, sunlit: bool, expected: str) -> None:
    """The station first, then light over ground worth an image."""
    assert mode_at(place(latitude, longitude, sunlit)) == expected


def test_distance_to_the_station() -> None:
    """Nought over the station, half the globe at its antipode, 10,000 km from pole to equator."""
    assert station_distance_km(place(*STATION_DEG, True)) == pytest.approx(0, abs=0.5)
    assert station_distance_km(place(-78.23, -164.59, True)) == pytest.approx(20_015, abs=1)
    assert station_distance_km(place(-11.77, 15.41, True)) == pytest.approx(10_007.5, abs=1)
