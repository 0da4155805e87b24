"""CAN recordings: a raw event per frame, and a parsed event per complete NMEA 2000 message."""

from __future__ import annotations

from collections.abc import Iterator

from nova.recordings import counter, view_cards
from nova.recordings.bounded_lines import BoundedLine, bounded_lines
from nova.recordings.candump import CanFrame, other_log_format, parse_frame
from nova.recordings.nmea2000 import Nmea2000Bus, Nmea2000Message, NotDecodedError
from nova.recordings.recording import DatedReader, RecordingError, Step, event_step, undated_error
from nova.sdk.errors import EnvelopeError, TimestampError
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity
from nova.sdk.timestamps import NS_PER_SECOND

LINE_MAX_BYTES = 4096
BUSES_MAX = 64
HEAD_MAX_BYTES = 16 * 1024
ABSOLUTE_FROM_S = 365 * 24 * 3600
"""Stamps below one year are relative to the first frame, not times since 1970."""
NOT_NMEA_2000 = "raw only: not an NMEA 2000 message that CANboat defines"
NOT_NMEA_2000_BUS = (
    "raw only: no message on this bus is specific to NMEA 2000; it may be J1939 or another protocol"
)
NOT_DECODED = "raw only: its data do not match CANboat's definition of the message"
INTERFACE_ERROR = "raw only: an error reported by the interface"
INCOMPLETE = (
    "the message before is incomplete: some of its frames are missing, so they are raw only"
)
NO_FRAME = "not a CAN frame as `candump -l` writes it"
RELATIVE = "a stamp below one year in a log of absolute times: is it damaged?"
EPOCH_UNUSED = "the stamps are absolute: --epoch is not used"


class CanReader(DatedReader):
    """Reads a log with one frame per line."""

    SYSTEM_ID = "can"

    def _prepare(self) -> None:
        self._buses: dict[str, Nmea2000Bus] = {}
        self._marine: set[str] = set()

    def steps(self) -> Iterator[Step]:
        """A step per frame; header lines (`#`) and empty lines are skipped."""
        is_absolute = self._read_head()
        if is_absolute and self._epoch_ns is not None:
            yield Step(0, "the begin", note=EPOCH_UNUSED)
        with self._path.open("rb") as file:
            for line in bounded_lines(file, LINE_MAX_BYTES):
                if line.data is None:
                    yield Step(line.end_bytes, f"line {line.number}", problem=NO_FRAME)
                elif line.data.strip() and not line.data.startswith(b"#"):
                    yield self._step(line, line.data)

    def _read_head(self) -> bool:
        """Find the NMEA 2000 buses; returns whether most stamps are absolute.

        Raises RecordingError if most are relative and no epoch is given, or if no line is a frame
        and the actual format is recognized.
        """
        relative, absolute = "", 0
        found = 0
        with self._path.open("rb") as file:
            head = file.read(HEAD_MAX_BYTES)
            file.seek(0)
            bus = Nmea2000Bus()
            for line in bounded_lines(file, LINE_MAX_BYTES):
                one = None if line.data is None else parse_frame(line.data)
                if one is None:
                    continue
                found += 1
                if _is_absolute(one):
                    absolute += 1
                else:
                    relative = relative or one.stamp
                is_new = one.interface not in self._marine and len(self._marine) < BUSES_MAX
                if is_new and bus.is_specific(one):
                    self._marine.add(one.interface)
        advice = None if found else other_log_format(head)
        if advice is not None:
            raise RecordingError(f"{self._path} is {advice}")
        is_absolute = 2 * absolute >= found > 0
        if found and not is_absolute and self._epoch_ns is None:
            raise undated_error(
                self._path, f"its stamps ({relative}) are relative; give --epoch, an ISO time"
            )
        return is_absolute

    def _step(self, line: BoundedLine, data: bytes) -> Step:
        place = f"line {line.number}"
        found = parse_frame(data)
        if line.size_bytes == len(data):
            # Half of its bytes could pass for a shorter frame.
            return Step(line.end_bytes, place, problem="cut short: the line has no line end")
        if found is None:
            return Step(line.end_bytes, place, problem=NO_FRAME)
        if self._epoch_ns is None and not _is_absolute(found):
            return Step(line.end_bytes, place, problem=RELATIVE)
        try:
            known = self._bus(found).is_defined(found)
            is_read = known and found.interface in self._marine
            note = _raw_only_reason(found, known, is_read)
            return self._frame_step(line.end_bytes, place, found, is_read, note)
        except (EnvelopeError, TimestampError) as error:
            return Step(line.end_bytes, place, problem=str(error))

    def _frame_step(
        self, end_bytes: int, place: str, found: CanFrame, is_read: bool, note: str | None
    ) -> Step:
        """The frame's events, with its message unless that cannot be decoded or published."""
        try:
            message = self._bus(found).add_frame(found, _stamp_ns(found)) if is_read else None
            if self._bus(found).take_incomplete():
                note = INCOMPLETE
            if message is not None:
                return event_step(end_bytes, place, self._events(found, message), note)
        except (NotDecodedError, EnvelopeError):
            note = NOT_DECODED
        return event_step(end_bytes, place, self._events(found, None), note)

    def _bus(self, found: CanFrame) -> Nmea2000Bus:
        bus = self._buses.get(found.interface)
        if bus is None:
            if len(self._buses) == BUSES_MAX:
                reason = f"more than {BUSES_MAX} interfaces in one log"
                raise EnvelopeError("badValue", "containerId", reason)
            bus = self._buses[found.interface] = Nmea2000Bus()
        return bus

    def _events(self, found: CanFrame, message: Nmea2000Message | None) -> Iterator[Event]:
        entity = Entity(self._system_id, found.interface, found.id)
        observation = self._observer.observe(entity, self._time(found))
        yield observation.raw(found.packed(), connection_id=found.interface)
        if message is not None:
            yield observation.parsed(message.kind, message.fields)
            updates = view_cards.bus_cards(message.kind, message.fields, source=found.id[-2:])
            yield from view_cards.view_updates(self._views, observation, updates)

    def _time(self, found: CanFrame) -> int:
        ns = _stamp_ns(found)
        return ns if _is_absolute(found) else (self._epoch_ns or 0) + ns


def _stamp_ns(found: CanFrame) -> int:
    ns = counter.to_ns(found.stamp, "s", 0)
    assert ns is not None
    return ns


def _is_absolute(found: CanFrame) -> bool:
    """Whether the stamp counts from 1970."""
    return _stamp_ns(found) >= ABSOLUTE_FROM_S * NS_PER_SECOND


def _raw_only_reason(found: CanFrame, known: bool, is_read: bool) -> str | None:
    """Why a frame is raw only; None if that needs no explanation."""
    if found.error:
        return INTERFACE_ERROR
    if known and not is_read:
        return NOT_NMEA_2000_BUS
    return NOT_NMEA_2000 if found.extended and not known else None
