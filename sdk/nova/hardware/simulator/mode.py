"""Operating mode: determined by the satellite's place and the sunlight there."""

from __future__ import annotations

import math
from typing import Literal

from nova.hardware.simulator.orbit import OrbitPosition

Mode = Literal["STANDBY", "IMAGING", "DOWNLINK"]

# Svalbard sees every pass of a polar orbit; at 824 km its horizon is some 3,000 km away.
STATION_DEG = (78.23, 15.41)
STATION_RANGE_KM = 2_800.0
IMAGING_LATITUDE_MAX_DEG = 65.0
EARTH_MEAN_RADIUS_KM = 6371.0


def mode_at(place: OrbitPosition) -> Mode:
    """Downlink in view of the station, imaging over sunlit ground, else standby."""
    if station_distance_km(place) < STATION_RANGE_KM:
        return "DOWNLINK"
    if place.sunlit and abs(place.latitude_deg) < IMAGING_LATITUDE_MAX_DEG:
        return "IMAGING"
    return "STANDBY"


def station_distance_km(place: OrbitPosition) -> float:
    """The great-circle distance of the station from the subsatellite point."""
    latitude, longitude = math.radians(place.latitude_deg), math.radians(place.longitude_deg)
    station_latitude, station_longitude = (math.radians(angle) for angle in STATION_DEG)
    cosine = math.sin(latitude) * math.sin(station_latitude) + math.cos(latitude) * math.cos(
        station_latitude
    ) * math.cos(longitude - station_longitude)
    return EARTH_MEAN_RADIUS_KM * math.acos(max(-1.0, min(1.0, cosine)))
