"""The radio link: fast in view of the ground station, slow by relay elsewhere, with fades."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from nova.hardware.simulator import noise
from nova.hardware.simulator.mode import STATION_RANGE_KM
from nova.sdk.timestamps import NS_PER_SECOND

RadioState = Literal["up", "degraded"]

LIGHT_KM_PER_MS = 299.792458
DIRECT_KBIT_S, RELAY_KBIT_S = 2_048.0, 64.0
GROUND_DELAY_MS, RELAY_ROUND_TRIP_MS = 35.0, 580.0
NEAREST_KM, NEAREST_DBM, RELAY_DBM = 824.0, -72.0, -101.0
FADE_LASTS_S = 60
FADE_PART = 0.06
FADE_DB = 7.0
LOSS_PERCENT = 0.15
FADE_LOSS_PERCENT = (1.5, 7.0)


@dataclass(frozen=True, slots=True)
class RadioLink:
    """Measurements of the radio."""

    state: RadioState
    rate_kbit_s: float
    round_trip_ms: float
    loss_percent: float
    signal_dbm: float


def radio_link_at(seed: int, at_ns: int, station_km: float) -> RadioLink:
    """The link at a time, by the ground distance of the station."""
    number = at_ns // (FADE_LASTS_S * NS_PER_SECOND)
    fades = noise.uniform(seed, "fade", number, 0.0, 1.0) < FADE_PART
    slant_km = math.hypot(station_km, NEAREST_KM)
    if station_km < STATION_RANGE_KM:
        rate, signal = DIRECT_KBIT_S, NEAREST_DBM - 20 * math.log10(slant_km / NEAREST_KM)
        round_trip = GROUND_DELAY_MS + 2 * slant_km / LIGHT_KM_PER_MS
    else:
        rate, signal, round_trip = RELAY_KBIT_S, RELAY_DBM, RELAY_ROUND_TRIP_MS
    loss = abs(noise.gauss(seed, "loss", at_ns, LOSS_PERCENT))
    if fades:
        loss += noise.uniform(seed, "fadeLoss", number, *FADE_LOSS_PERCENT)
    return RadioLink(
        "degraded" if fades else "up",
        rate * (1 - loss / 100),
        round_trip + abs(noise.gauss(seed, "roundTrip", at_ns, 3.0)),
        loss,
        signal - FADE_DB * fades + noise.gauss(seed, "signal", at_ns, 0.4),
    )
