"""`positionCsv`: a track as CSV with time, latitude, longitude, altitude and speed."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import msgspec

from nova.core.drivers.cells import LINE_END, escape_formula
from nova.sdk.drivers.driver import Driver, DriverFile
from nova.sdk.drivers.driver_stream import DriverStream

COLUMNS = ("time", "latitude", "longitude", "altitude", "speed")
MEMBER_NAMES = {
    "latitude": ("latitude", "latitudeDeg", "lat"),
    "longitude": ("longitude", "longitudeDeg", "lon"),
    "altitude": ("altitude", "altitudeM", "alt"),
    "speed": ("speed", "speedMS"),
}
"""Member names used by producers; the first one present is taken."""


class _Position(msgspec.Struct, rename="camel"):
    source_truth_time: str
    payload: dict[str, object]


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
        for stored in events:
            event = _positions.decode(stored)
            payload = event.payload
            rows.writerow(
                [
                    event.source_truth_time,
                    *[_first_present(payload, names) for names in MEMBER_NAMES.values()],
                ]
            )
        return (out.getvalue().encode(),)


def _first_present(payload: dict[str, object], names: tuple[str, ...]) -> object:
    for name in names:
        value = payload.get(name)
        if value is not None:
            is_plain = isinstance(value, int | float) and not isinstance(value, bool)
            return value if is_plain else escape_formula(str(value))
    return None
