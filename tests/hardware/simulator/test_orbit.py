"""The orbit, compared with reported positions of the real satellite."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest

from nova.hardware.simulator.orbit import NOAA_20, Orbit, OrbitPosition
from nova.recordings.ccsds import CcsdsReader
from nova.recordings.xtce import XtceDefinition
from nova.sdk import timestamps
from nova.sdk.errors import NovaError
from nova.sdk.events.observation import Observer
from nova.sdk.geodesy import geodetic

# NOAA-20 as published for 6 March 2021, five weeks before the recording of JPSS-1 (the same one).
MARCH_2021 = (
    "1 43013U 17073A   21065.76936730  .00000007  00000-0  24183-4 0  9993",
    "2 43013  98.7452   5.9775 0000941  71.3410 288.7868 14.19552110170870",
)
CDS_EPOCH_DAYS = 4383
LAG_S = 40


class _Navigation(msgspec.Struct):
    day: int = msgspec.field(name="ADAET1DAY")
    ms: int = msgspec.field(name="ADAET1MS")
    us: int = msgspec.field(name="ADAET1US")
    x: float = msgspec.field(name="ADGPSPOSX")
    y: float = msgspec.field(name="ADGPSPOSY")
    z: float = msgspec.field(name="ADGPSPOSZ")

    def at_ns(self) -> int:
        """When the position was taken."""
        ms = (self.day - CDS_EPOCH_DAYS) * 86_400_000 + self.ms
        return ms * 1_000_000 + self.us * 1000


class _Parsed(msgspec.Struct):
    payload: _Navigation


def distance_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Over the ground, between two places in degrees."""
    (la, lo), (lb, lp) = ([math.radians(angle) for angle in place] for place in (a, b))
    half = math.sin((lb - la) / 2) ** 2
    half += math.cos(la) * math.cos(lb) * math.sin((lp - lo) / 2) ** 2
    return 2 * 6371 * math.asin(math.sqrt(half))


def test_ground_track_is_that_of_the_real_satellite(recordings: Path) -> None:
    """Two hours of GPS positions lie on the track from an element set of five weeks before.

    Drag makes it seconds early or late by then, and the earth turns below it meanwhile: some ten
    kilometres. A minute of sidereal time would be thirty, a wrong axis or sign thousands.
    """
    path = recordings / "ccsds/J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1"
    xtce = XtceDefinition(recordings / "ccsds/jpss1_geolocation_xtce_v1.xml")
    track = Orbit(MARCH_2021)
    for number, step in enumerate(CcsdsReader(path, Observer("s"), definition=xtce).steps()):
        if number % 900:
            continue
        said = msgspec.json.decode(step.records[-1].value, type=_Parsed).payload
        latitude, longitude, altitude_m = geodetic((said.x, said.y, said.z))
        places = [track.at(said.at_ns() + lag * 10**9) for lag in range(-LAG_S, LAG_S + 1)]
        near = min(
            places,
            key=lambda p: distance_km((p.latitude_deg, p.longitude_deg), (latitude, longitude)),
        )
        assert distance_km((near.latitude_deg, near.longitude_deg), (latitude, longitude)) < 20
        assert near.altitude_m == pytest.approx(altitude_m, abs=2_500)


def test_element_set_is_whole() -> None:
    """Each line ends in the sum of its digits, as published ones do."""
    for line in (*NOAA_20, *MARCH_2021):
        total = sum(int(sign) if sign.isdigit() else sign == "-" for sign in line[:68])
        assert total % 10 == int(line[68])


@pytest.mark.parametrize("year", [2026, 2030, 2040])
def test_orbit_stays_believable(year: int) -> None:
    """Years after its element set the satellite still flies at its height, in light and shadow."""
    start = timestamps.parse(f"{year}-11-01T00:00:00Z")
    places = [Orbit().at(start + minute * 60 * 10**9) for minute in range(102)]
    assert all(810_000 < place.altitude_m < 870_000 for place in places)
    assert max(place.latitude_deg for place in places) == pytest.approx(81.2, abs=0.6)
    assert all(7_300 < place.speed_m_s < 7_600 for place in places)
    assert 10 <= sum(not place.sunlit for place in places) <= 36


def test_places_are_a_function_of_time() -> None:
    """Two orbits of one element set say the same."""
    at_ns = timestamps.parse("2026-11-01T00:00:00.123456789Z")
    place = Orbit().at(at_ns)
    assert isinstance(place, OrbitPosition)
    assert Orbit().at(at_ns) == place


def test_decayed_orbit_is_an_error() -> None:
    """An element set that says nothing about a time is an error, and no place at nought."""
    low = (
        "1 25544U 98067A   08264.51782528 -.00002182  00000-0 -11606-4 0  2927",
        "2 25544  51.6416 247.4627 9906703 130.5360 325.0288 15.72125391563537",
    )
    with pytest.raises(NovaError, match="SGP4"):
        Orbit(low).at(timestamps.parse("2026-11-01T00:00:00Z"))
