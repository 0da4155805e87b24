"""ArduPilot's dataflash logs: a raw and a parsed event per record, dated by its GPS receiver."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from nova.recordings.dataflash import (
    DEFINING,
    DataflashDamage,
    DataflashFormats,
    DataflashRecord,
    scan_records,
)
from nova.recordings.recorded_message import MessageEvents, RecordedMessage
from nova.recordings.recording import DatedReader, Step, undated_error
from nova.recordings.time_scale import to_utc
from nova.recordings.view_cards import ATTITUDE, BATTERY, POSITION, ViewCard
from nova.sdk import timestamps

GPS_EPOCH_NS = timestamps.parse("1980-01-06T00:00:00Z")
WEEK_NS = 7 * 24 * 3600 * 10**9
NS_PER_US, NS_PER_MS = 1_000, 1_000_000
FIX_3D = 3
STAMP = "TimeUS"
NO_STAMP = "a record without a time of its own gets that of the record before"
HINT = (
    "no GPS record with a fix in three dimensions says what time it was; "
    "give the moment of boot by --epoch"
)
_CARDS = {
    "GPS": (
        POSITION,
        {
            "latitude": "Lat",
            "longitude": "Lng",
            "altitude": "Alt",
            "speed": "Spd",
            "course": "GCrs",
            "satellites": "NSats",
            "hdop": "HDop",
        },
    ),
    "ATT": (ATTITUDE, {"roll": "Roll", "pitch": "Pitch", "yaw": "Yaw"}),
    "BAT": (
        BATTERY,
        {"voltage": "Volt", "current": "Curr", "stateOfCharge": "RemPct", "temperature": "Temp"},
    ),
}


class ArdupilotReader(DatedReader):
    """Reads a log twice: up to the first fix, which dates all of it, then to publish."""

    SYSTEM_ID = "ardupilot"

    def steps(self) -> Iterator[Step]:
        """A step per record, and one per stretch of bytes without."""
        boot_ns = self._epoch_ns if self._epoch_ns is not None else self._boot_ns()
        events = MessageEvents(self._observer, self._system_id, self._views)
        last_us = 0
        with self._path.open("rb") as file:
            for found in scan_records(file, DataflashFormats()):
                place = f"byte {found.offset_bytes}"
                if isinstance(found, DataflashDamage):
                    problem = f"{found.size_bytes:,} bytes skipped: {found.reason}"
                    yield Step(found.end_bytes, place, problem=problem)
                elif found.format.name not in DEFINING:
                    stamp = found.values.get(STAMP)
                    note = None if isinstance(stamp, int) else NO_STAMP
                    last_us = stamp if isinstance(stamp, int) else last_us
                    at_ns = boot_ns + last_us * NS_PER_US
                    yield events.step(_message(found, place, at_ns), note)

    def _boot_ns(self) -> int:
        """The moment of boot in UTC; raises RecordingError if the log does not say it."""
        with self._path.open("rb") as file:
            for found in scan_records(file, DataflashFormats()):
                if isinstance(found, DataflashRecord) and found.format.name == "GPS":
                    boot_ns = _boot_by_fix(found)
                    if boot_ns is not None:
                        return boot_ns
        raise undated_error(self._path, HINT)


def _boot_by_fix(found: DataflashRecord) -> int | None:
    """The moment of boot by the week and time of week of a fix; None without a fix."""
    names = ("Status", "GWk", "GMS", STAMP)
    numbers = [found.values.get(name) for name in names]
    if not all(isinstance(one, int) for one in numbers):
        return None
    status, week, of_week_ms, stamp_us = (cast(int, one) for one in numbers)
    if status < FIX_3D or week <= 0:
        return None
    gps_ns = GPS_EPOCH_NS + week * WEEK_NS + of_week_ms * NS_PER_MS
    return to_utc(gps_ns, "gps") - stamp_us * NS_PER_US


def _message(found: DataflashRecord, place: str, at_ns: int) -> RecordedMessage:
    instance = found.values.get(found.format.instance_field or "", 0)
    return RecordedMessage(
        found.end_bytes,
        place,
        found.format.name,
        str(instance),
        found.format.name,
        found.values,
        at_ns,
        frame=found.data,
        units=found.units,
        cards=_cards(found),
    )


def _cards(found: DataflashRecord) -> Iterator[ViewCard]:
    if found.format.name not in _CARDS:
        return
    view, names = _CARDS[found.format.name]
    has_fix = cast(int, found.values.get("Status", FIX_3D)) >= FIX_3D
    if view != POSITION or has_fix:
        present = {key: found.values[name] for key, name in names.items() if name in found.values}
        yield ViewCard(view, {key: one for key, one in present.items() if one == one})
