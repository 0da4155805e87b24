"""MAVLink telemetry logs (`.tlog`): each message behind the time at which it was received."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from nova.recordings.recorded_message import MessageEvents, RecordedMessage
from nova.recordings.recording import DatedReader, Step
from nova.recordings.view_cards import ATTITUDE, BATTERY, POSITION, ViewCard
from nova.sdk import timestamps
from nova.sdk.optional_imports import import_optional

STAMP_BYTES = 8
MARKERS = {0xFE: 8, 0xFD: 12}
"""The first byte of a message of each version, and its bytes beside the payload."""
SIGNED_FLAG, SIGNATURE_BYTES = 1, 13
HEAD_BYTES = STAMP_BYTES + 3
MESSAGE_MAX_BYTES = 255 + 12 + SIGNATURE_BYTES
READ_BYTES = 256 * 1024
EARLIEST_US = timestamps.parse("2000-01-01T00:00:00Z") // 1_000
LATEST_US = timestamps.parse("2200-01-01T00:00:00Z") // 1_000
UNKNOWN = "raw only: a message that no dialect of pymavlink defines"
NO_MESSAGE = "no time with a message behind it"
_CRC_FAILED = "a message whose checksum is wrong, or which its dialect does not describe"


class TelemetryFrame(NamedTuple):
    """Bytes of a log: a message with its time, or bytes that are none (`stamp_us` is None)."""

    offset_bytes: int
    data: bytes
    stamp_us: int | None
    size_bytes: int

    @property
    def end_bytes(self) -> int:
        return self.offset_bytes + self.size_bytes


class MavlinkReader(DatedReader):
    """Reads a log message by message."""

    SYSTEM_ID = "mavlink"

    def _prepare(self) -> None:
        dialect: Any = import_optional("pymavlink.dialects.v20.all", "recordings")
        self._decoder = dialect.MAVLink(None)
        self._error = dialect.MAVError

    def steps(self) -> Iterator[Step]:
        """A step per message, and one per stretch of bytes without."""
        events = MessageEvents(self._observer, self._system_id, self._views)
        with self._path.open("rb") as file:
            for found in scan_frames(file):
                place = f"byte {found.offset_bytes}"
                if found.stamp_us is None:
                    problem = f"{found.size_bytes:,} bytes skipped: {NO_MESSAGE}"
                    yield Step(found.end_bytes, place, problem=problem)
                else:
                    yield self._step(events, found, place, found.stamp_us)

    def _step(self, events: MessageEvents, found: TelemetryFrame, place: str, us: int) -> Step:
        try:
            message = self._decoder.decode(bytearray(found.data))
        except (self._error, IndexError, ValueError):
            return Step(found.end_bytes, place, problem=_CRC_FAILED)
        kind = message.get_type()
        is_known = not kind.startswith("UNKNOWN")
        fields = message.to_dict() if is_known else {}
        fields.pop("mavpackettype", None)
        header = message.get_header() if is_known else None
        sender = _sender(found.data) if header is None else (header.srcSystem, header.srcComponent)
        step = RecordedMessage(
            found.end_bytes,
            place,
            f"{sender[0]}-{sender[1]}",
            kind,
            kind,
            fields,
            us * 1_000,
            frame=found.data,
            units=dict(getattr(message, "fieldunits_by_name", {})) if is_known else {},
            cards=telemetry_cards(kind, fields),
            is_parsed=is_known,
        )
        return events.step(step, None if is_known else UNKNOWN)


def _sender(data: bytes) -> tuple[int, int]:
    """System and component of a message of either version."""
    return (data[5], data[6]) if data[0] == 0xFD else (data[3], data[4])


def scan_frames(file: BinaryIO) -> Iterator[TelemetryFrame]:
    """The messages of a log, and the stretches of bytes that are none."""
    data, at, base, skipped = b"", 0, 0, 0
    while True:
        if len(data) - at < STAMP_BYTES + MESSAGE_MAX_BYTES:
            data, base, at = data[at:] + file.read(READ_BYTES), base + at, 0
        if at >= len(data):
            break
        found = _frame_at(data, at, base)
        if found is None:
            at, skipped = at + 1, skipped + 1
            continue
        if skipped:
            yield TelemetryFrame(base + at - skipped, b"", None, skipped)
            skipped = 0
        yield found
        at += found.size_bytes
    if skipped:
        yield TelemetryFrame(base + at - skipped, b"", None, skipped)


def _frame_at(data: bytes, at: int, base: int) -> TelemetryFrame | None:
    begin = at + STAMP_BYTES
    if begin + 3 > len(data) or data[begin] not in MARKERS:
        return None
    stamp_us = int.from_bytes(data[at:begin])
    if not EARLIEST_US <= stamp_us <= LATEST_US:
        return None
    size = _message_bytes(data, begin)
    end = begin + size
    # A message is followed by a time and the next one, or by the end of the log.
    behind = data[end + STAMP_BYTES : end + STAMP_BYTES + 1]
    if end > len(data) or (behind and behind[0] not in MARKERS):
        return None
    return TelemetryFrame(base + at, data[begin:end], stamp_us, STAMP_BYTES + size)


def _message_bytes(data: bytes, at: int) -> int:
    """The size of a message, by its first three bytes."""
    is_signed = data[at] == 0xFD and data[at + 2] & SIGNED_FLAG
    return MARKERS[data[at]] + data[at + 1] + SIGNATURE_BYTES * bool(is_signed)


def stamped(data: bytes, at_ns: int) -> bytes:
    """Messages as a log has them: each behind the time at which it was received."""
    stamp, at, found = (at_ns // 1_000).to_bytes(STAMP_BYTES), 0, bytearray()
    while at + 3 <= len(data) and data[at] in MARKERS:
        size = _message_bytes(data, at)
        found += stamp + data[at : at + size]
        at += size
    return bytes(found) + data[at:]


def holds_telemetry(path: Path) -> bool:
    """Whether a file begins with messages behind their times."""
    with path.open("rb") as file:
        first = next(scan_frames(file), None)
    return first is not None and first.stamp_us is not None


def telemetry_cards(kind: str, fields: Mapping[str, Any]) -> Iterator[ViewCard]:
    """Position, attitude and battery of a vehicle, in the units of the cards."""
    if kind == "GLOBAL_POSITION_INT":
        yield ViewCard(
            POSITION,
            {
                "latitude": fields["lat"] / 1e7,
                "longitude": fields["lon"] / 1e7,
                "altitude": fields["alt"] / 1e3,
                "speed": round(math.hypot(fields["vx"], fields["vy"]) / 100, 2),
            },
        )
    elif kind == "ATTITUDE":
        angles = {name: fields[name] for name in ("roll", "pitch", "yaw")}
        if all(map(math.isfinite, angles.values())):
            yield ViewCard(
                ATTITUDE, {name: round(math.degrees(one), 3) for name, one in angles.items()}
            )
    elif kind == "SYS_STATUS":
        remaining = fields["battery_remaining"]
        data = {"voltage": fields["voltage_battery"] / 1e3}
        data |= {"stateOfCharge": remaining} if remaining >= 0 else {}
        data |= (
            {"current": fields["current_battery"] / 100} if fields["current_battery"] >= 0 else {}
        )
        yield ViewCard(BATTERY, data)
