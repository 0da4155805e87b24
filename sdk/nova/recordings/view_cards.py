"""Maps decoded messages of recordings to the view updates of NOVA's shipped cards.

Each function takes a decoded message and yields cards: the view, its data in the units of the
manifest, and the unique part of the entity's id if it differs from the message's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity, Observation
from nova.sdk.geodesy import geodetic
from nova.sdk.producer.view_updates import ViewUpdates

POSITION = "telemetry.gps"
BATTERY = "telemetry.battery"
ATTITUDE = "telemetry.attitude"
LINK = "status.link"

DEGREE_DECIMALS = 7
ANGLE_DECIMALS = 3
METRE_DECIMALS = 2
PART_DECIMALS = 6
KNOT_M_S = 1852 / 3600
DEGREES_PER_1E7 = 1e-7

Values = Mapping[str, object]

_GGA_FIX = {0: "none", 1: "3D", 2: "DGPS", 3: "3D", 4: "RTK", 5: "RTK", 6: "estimated"}
_N2K_FIX = {
    "no GNSS": "none",
    "GNSS fix": "3D",
    "DGNSS fix": "DGPS",
    "Precise GNSS": "3D",
    "RTK Fixed Integer": "RTK",
    "RTK float": "RTK",
    "Estimated (DR) mode": "estimated",
}
_ULOG_FIX = {0: "none", 1: "none", 2: "2D", 3: "3D", 4: "DGPS", 5: "RTK", 6: "RTK", 8: "estimated"}


class ViewCard(NamedTuple):
    """A view's data from one message; `unique_id` replaces that of the message's entity."""

    view_id: str
    data: Mapping[str, object]
    unique_id: str | None = None


def packet_cards(fields: Values) -> Iterator[ViewCard]:
    """JPSS attitude and ephemeris: Cartesian position and velocity, and a quaternion with the
    scalar last.
    """
    place, speed = (
        _numbers(fields, *(f"ADGPS{name}{axis}" for axis in "XYZ")) for name in ("POS", "VEL")
    )
    if place is not None and speed is not None and any(place):
        data = _coordinates(*geodetic((place[0], place[1], place[2])))
        yield ViewCard(POSITION, data | {"speed": round(math.hypot(*speed), METRE_DECIMALS)})
    quaternion = _numbers(fields, "ADCFAQ4", "ADCFAQ1", "ADCFAQ2", "ADCFAQ3")
    if quaternion is not None:
        yield ViewCard(ATTITUDE, _attitude(*quaternion))


def sentence_cards(kind: str, fields: Values, position: Values | None) -> Iterator[ViewCard]:
    """The fixes of NMEA 0183: GGA with its quality, RMC with its speed, GNS and GLL."""
    if kind == "GGA":
        data = dict(position or {})
        quality = fields.get("gps_qual")
        data["fix"] = _GGA_FIX.get(quality) if isinstance(quality, int) else None
        data["satellites"] = fields.get("num_sats")
        data["hdop"] = fields.get("horizontal_dil")
        yield ViewCard(POSITION, data, "gps")
    elif kind == "RMC" and position is not None:
        data = dict(position)
        knots = _number(fields, "spd_over_grnd")
        data["speed"] = None if knots is None else round(knots * KNOT_M_S, METRE_DECIMALS)
        # A receiver that stands still reports no course.
        data["course"] = fields.get("true_course")
        yield ViewCard(POSITION, data, "gps")
    elif kind == "GNS" and position is not None:
        yield ViewCard(POSITION, {**position, "satellites": fields.get("num_sats")}, "gps")
    elif kind == "GLL" and position is not None:
        yield ViewCard(POSITION, position, "gps")


def ship_cards(fields: Values, position: Values) -> Iterator[ViewCard]:
    """A ship's position report (AIS)."""
    knots = _number(fields, "speed_knots")
    data = dict(position)
    data["speed"] = None if knots is None else round(knots * KNOT_M_S, METRE_DECIMALS)
    data["course"] = fields.get("course")
    yield ViewCard(POSITION, data)


def bus_cards(kind: str, fields: Values, source: str) -> Iterator[ViewCard]:
    """The receivers and batteries of an NMEA 2000 bus; `source` is the sender's address."""
    gps, battery = f"gps-{source}", f"battery-{fields.get('instance', 0)}"
    if kind == "positionRapidUpdate":
        yield ViewCard(POSITION, _pick(fields, "latitude", "longitude"), gps)
    elif kind == "cogSogRapidUpdate" and fields.get("cogReference") == "True":
        data = {
            "course": _rounded(fields, "cog", ANGLE_DECIMALS),
            "speed": _rounded(fields, "sog", METRE_DECIMALS),
        }
        yield ViewCard(POSITION, data, gps)
    elif kind == "gnssPositionData":
        fix: dict[str, object] = {
            "altitude": _rounded(fields, "altitude", METRE_DECIMALS),
            "satellites": fields.get("numberOfSvs"),
            "hdop": fields.get("hdop"),
            "fix": _N2K_FIX.get(str(fields.get("method"))),
        }
        yield ViewCard(POSITION, fix, gps)
    elif kind == "batteryStatus":
        yield ViewCard(BATTERY, _pick(fields, "voltage", "current", "temperature"), battery)
    elif kind == "dcDetailedStatus" and fields.get("dcType") == "Battery":
        yield ViewCard(BATTERY, _pick(fields, "stateOfCharge"), battery)


def topic_cards(topic: str, values: Values) -> Iterator[ViewCard]:
    """The attitude, battery, receiver and data link of a PX4 autopilot."""
    if topic == "vehicle_attitude":
        yield from _autopilot_attitude(values)
    elif topic == "battery_status":
        yield ViewCard(BATTERY, _autopilot_battery(values))
    elif topic in ("vehicle_gps_position", "sensor_gps"):
        yield ViewCard(POSITION, _autopilot_fix(values))
    elif topic == "vehicle_status" and "data_link_lost" in values:
        yield ViewCard(LINK, {"state": "down" if values["data_link_lost"] else "up"})


def _autopilot_attitude(values: Values) -> Iterator[ViewCard]:
    quaternion = _numbers(values, "q[0]", "q[1]", "q[2]", "q[3]")
    if quaternion is None:
        return
    data = _attitude(*quaternion)
    for axis in ("roll", "pitch", "yaw"):
        rate = _number(values, f"{axis}speed")
        if rate is not None:
            data[f"{axis}Rate"] = round(math.degrees(rate), ANGLE_DECIMALS)
    yield ViewCard(ATTITUDE, data)


def _autopilot_battery(values: Values) -> dict[str, object]:
    remaining = _number(values, "remaining")
    # An autopilot reports a negative value for an unknown state of charge.
    known = remaining is not None and remaining >= 0
    return {
        "stateOfCharge": round(100 * remaining, 1) if known and remaining is not None else None,
        "voltage": _rounded(values, "voltage_v", 3),
        "current": _rounded(values, "current_a", 3),
        "temperature": _rounded(values, "temperature", 1),
    }


def _autopilot_fix(values: Values) -> dict[str, object]:
    latitude, longitude = _number(values, "latitude_deg"), _number(values, "longitude_deg")
    altitude_m = _number(values, "altitude_msl_m")
    whole = _numbers(values, "lat", "lon", "alt")
    if latitude is None and whole is not None:  # Older logs use integers.
        latitude, longitude = whole[0] * DEGREES_PER_1E7, whole[1] * DEGREES_PER_1E7
        altitude_m = whole[2] / 1000
    course = _number(values, "cog_rad")
    fix = values.get("fix_type")
    data: dict[str, object] = {
        "speed": _rounded(values, "vel_m_s", METRE_DECIMALS),
        "course": None if course is None else round(math.degrees(course) % 360, ANGLE_DECIMALS),
        "satellites": values.get("satellites_used"),
        "hdop": _rounded(values, "hdop", 2),
        "fix": _ULOG_FIX.get(fix) if isinstance(fix, int) else None,
    }
    if latitude is not None and longitude is not None and data["fix"] not in (None, "none"):
        data |= _coordinates(latitude, longitude, altitude_m)
    return data


def _coordinates(latitude: float, longitude: float, altitude_m: float | None) -> dict[str, object]:
    place: dict[str, object] = {
        "latitude": round(latitude, DEGREE_DECIMALS),
        "longitude": round(longitude, DEGREE_DECIMALS),
    }
    if altitude_m is not None:
        place["altitude"] = round(altitude_m, METRE_DECIMALS)
    return place


def _attitude(w: float, x: float, y: float, z: float) -> dict[str, object]:
    """A unit quaternion and its angles (rotation order yaw, pitch, roll)."""
    angles = {
        "roll": math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y)),
        "pitch": math.asin(max(-1.0, min(1.0, 2 * (w * y - z * x)))),
        "yaw": math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)),
    }
    data: dict[str, object] = {
        name: round(math.degrees(angle), ANGLE_DECIMALS) for name, angle in angles.items()
    }
    parts = zip(("qw", "qx", "qy", "qz"), (w, x, y, z), strict=True)
    return data | {name: round(part, PART_DECIMALS) for name, part in parts}


def _number(fields: Values, name: str) -> float | None:
    value = fields.get(name)
    return float(value) if isinstance(value, int | float) else None


def _numbers(fields: Values, *names: str) -> list[float] | None:
    """The values of these fields; None unless all are present."""
    numbers = [number for name in names if (number := _number(fields, name)) is not None]
    return numbers if len(numbers) == len(names) else None


def _rounded(fields: Values, name: str, decimals: int) -> float | None:
    number = _number(fields, name)
    return None if number is None else round(number, decimals)


def _pick(fields: Values, *names: str) -> dict[str, object]:
    """These fields unchanged; null for those that the message lacks."""
    return {name: fields.get(name) for name in names}


def view_updates(
    views: ViewUpdates | None, observation: Observation, cards: Iterable[ViewCard]
) -> Iterator[Event]:
    """The view updates of cards; none if the reader has no views."""
    if views is None:
        return
    for view_id, data, unit in cards:
        system_id, container_id, _ = observation.entity
        entity = None if unit is None else Entity(system_id, container_id, unit)
        yield from views.update(observation, view_id, data, entity)
