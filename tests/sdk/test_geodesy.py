"""The Earth's shape: positions to coordinates and back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.sdk import geodesy
from nova.sdk.geodesy import geodetic


@given(
    st.floats(-89.9, 89.9),
    st.floats(-179.9, 179.9),
    st.floats(-1000, 2_000_000),
    st.floats(0, 6.28),
)
def test_geodetic_undoes_the_ellipsoid(
    latitude: float, longitude: float, altitude_m: float, sidereal: float
) -> None:
    """Out from latitude, longitude and altitude over WGS 84, and back."""
    phi, angle = math.radians(latitude), math.radians(longitude) + sidereal
    normal = geodesy.WGS84_A_M / math.sqrt(1 - geodesy.WGS84_E2 * math.sin(phi) ** 2)
    across = (normal + altitude_m) * math.cos(phi)
    z = (normal * (1 - geodesy.WGS84_E2) + altitude_m) * math.sin(phi)
    found = geodetic((across * math.cos(angle), across * math.sin(angle), z), sidereal)
    assert found == pytest.approx((latitude, longitude, altitude_m), abs=1e-3)
