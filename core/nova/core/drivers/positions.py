"""`positionCsv`: a track as CSV with time, latitude, longitude, altitude and speed."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import msgspec

from nova.sdk.drivers.driver import Driver, DriverFile
from nova.sdk.drivers.driver_stream import DriverStream
from nova.sdk.events.member_cells import LINE_END, escape_formula

COLUMNS = ("time", "latitude", "longitude", "altitude", "speed")


class _Members(msgspec.Struct, rename="camel", gc=False):
    """The members of a payload that are of use, under the names that producers give them."""

    latitude: object = None
    latitude_deg: object = None
    lat: object = None
    longitude: object = None
    longitude_deg: object = None
    lon: object = None
    altitude: object = None
    altitude_m: object = None
    alt: object = None
    speed: object = None
    speed_ms: object = msgspec.field(default=None, name="speedMS")


class _Position(msgspec.Struct, rename="camel", gc=False):
    source_truth_time: str
    payload: _Members


_positions = msgspec.json.Decoder(_Position)


class PositionCsv(Driver):
    """`llas.csv` from parsed events of type `Position`; the time is source time."""

    driver_id = "positionCsv"
    lanes = frozenset({"parsed"})
    message_types = frozenset({"Position"})

    def parts(self, stream: DriverStream) -> tuple[str, ...]:
        """One file per entity."""
        return ("llas.csv",)

    def write(self, events: Sequence[bytes], file: DriverFile) -> Sequence[bytes]:
        """One row per event; a cell is empty if the payload has no such member."""
        out = io.StringIO()
        rows = csv.writer(out, lineterminator=LINE_END)
        if file.events == 0 and events:
            rows.writerow(COLUMNS)
        rows.writerows(map(_row, map(_positions.decode, events)))
        return (out.getvalue().encode(),)


def _row(event: _Position) -> Sequence[object]:
    of = event.payload
    return (
        event.source_truth_time,
        _first_present(of.latitude, of.latitude_deg, of.lat),
        _first_present(of.longitude, of.longitude_deg, of.lon),
        _first_present(of.altitude, of.altitude_m, of.alt),
        _first_present(of.speed, of.speed_ms),
    )


def _first_present(*values: object) -> object:
    """The cell of the first of them that is there."""
    for value in values:
        if value is not None:
            is_plain = type(value) is float or type(value) is int
            return value if is_plain else escape_formula(str(value))
    return None
