"""Logs of candump: a raw event per frame, and a parsed event per message that frames make."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nova.recordings import counter
from nova.recordings.bounded_lines import BoundedLine, bounded_lines
from nova.recordings.can_buses import CanBuses
from nova.recordings.candump import CanFrame, other_log_format, parse_frame
from nova.recordings.dbc import DbcDefinition
from nova.recordings.recording import DatedReader, RecordingError, Step, undated_error
from nova.sdk.events.observation import Observer
from nova.sdk.producer.view_updates import ViewUpdates
from nova.sdk.timestamps import NS_PER_SECOND

LINE_MAX_BYTES = 4096
HEAD_MAX_BYTES = 16 * 1024
ABSOLUTE_FROM_S = 365 * 24 * 3600
"""Stamps below one year are relative to the first frame, not times since 1970."""
NO_FRAME = "not a CAN frame as `candump -l` writes it"
RELATIVE = "a stamp below one year in a log of absolute times: is it damaged?"
EPOCH_UNUSED = "the stamps are absolute: --epoch is not used"


class CanReader(DatedReader):
    """Reads a log with one frame per line."""

    SYSTEM_ID = "can"

    def __init__(
        self,
        path: Path,
        observer: Observer,
        *,
        epoch_ns: int | None = None,
        system_id: str | None = None,
        views: ViewUpdates | None = None,
        dbc: DbcDefinition | None = None,
    ) -> None:
        super().__init__(path, observer, epoch_ns=epoch_ns, system_id=system_id, views=views)
        self._buses = CanBuses(observer, self._system_id, views, dbc)

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
            for line in bounded_lines(file, LINE_MAX_BYTES):
                one = None if line.data is None else parse_frame(line.data)
                if one is None:
                    continue
                found += 1
                if _is_absolute(one):
                    absolute += 1
                else:
                    relative = relative or one.stamp
                self._buses.look(one)
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
        return self._buses.step(line.end_bytes, place, found, self._time(found), _stamp_ns(found))

    def _time(self, found: CanFrame) -> int:
        ns = _stamp_ns(found)
        return ns if _is_absolute(found) else (self._epoch_ns or 0) + ns


def holds_frame(path: Path) -> bool:
    """Whether a line at the begin of a file is a frame of candump."""
    with path.open("rb") as file:
        head = file.read(HEAD_MAX_BYTES)
    return any(parse_frame(line) is not None for line in head.splitlines())


def _stamp_ns(found: CanFrame) -> int:
    ns = counter.to_ns(found.stamp, "s", 0)
    assert ns is not None
    return ns


def _is_absolute(found: CanFrame) -> bool:
    """Whether the stamp counts from 1970."""
    return _stamp_ns(found) >= ABSOLUTE_FROM_S * NS_PER_SECOND
