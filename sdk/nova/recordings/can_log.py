"""CAN logs of Vector and ASAM (`.asc`, `.blf`, `.mf4`): a raw event per frame, and its message.

All of them count from the start of the measurement. ASC and BLF write that as a local time without
a zone, MF4 in UTC unless a flag says that it is local.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, tzinfo
from pathlib import Path

from nova.recordings.asc_lines import asc_frames, asc_start, is_asc
from nova.recordings.blf_frames import BLF_MAGIC, blf_frames, blf_start
from nova.recordings.can_buses import CanBuses
from nova.recordings.can_message import MeasuredFrames
from nova.recordings.cell_time import iso_ns
from nova.recordings.dbc import DbcDefinition
from nova.recordings.mf4_frames import MF4_MAGICS, mf4_frames, mf4_start
from nova.recordings.recording import RecordingError, Step, undated_error
from nova.sdk.errors import TimestampError
from nova.sdk.events.observation import Observer
from nova.sdk.producer.view_updates import ViewUpdates

SYSTEM_ID = "can"
HEAD_BYTES = 4096
EPOCH_USED = "--epoch is used in place of the start that the log states"
ZONE_UNUSED = "the log states its start in UTC: --time-zone is not used"
LOCAL = "states its start as a local time without a zone: give --time-zone, or --epoch"

_FRAMES = {"asc": asc_frames, "blf": blf_frames, "mf4": mf4_frames}


def can_log_kind(head: bytes) -> str | None:
    """`asc`, `blf` or `mf4` by the first bytes of a file; None for another format."""
    if head.startswith(BLF_MAGIC):
        return "blf"
    if head.startswith(MF4_MAGICS):
        return "mf4"
    return "asc" if is_asc(head) else None


def file_kind(path: Path) -> str | None:
    """The same of a file."""
    with path.open("rb") as file:
        return can_log_kind(file.read(HEAD_BYTES))


class CanLogReader:
    """Reads a log of one of the three kinds; `zone` is that of its local times."""

    def __init__(
        self,
        path: Path,
        kind: str,
        observer: Observer,
        *,
        epoch_ns: int | None = None,
        zone: tzinfo | None = None,
        system_id: str | None = None,
        views: ViewUpdates | None = None,
        dbc: DbcDefinition | None = None,
    ) -> None:
        self._path = path
        self._kind = kind
        self._epoch_ns = epoch_ns
        self._zone = zone
        self._is_marine_possible = dbc is None
        self._buses = CanBuses(observer, system_id or SYSTEM_ID, views, dbc)

    def steps(self) -> Iterator[Step]:
        """A step per frame and per damaged place."""
        start_ns, note = self._start()
        if note is not None:
            yield Step(0, "the begin", note=note)
        if self._is_marine_possible:
            for found in self._frames():
                if found.frame is not None:
                    self._buses.look(found.frame)
        end_bytes = 0
        for end_bytes, place, frame, since_ns, problem in self._frames():
            if frame is None:
                yield Step(end_bytes, place, problem=problem)
            else:
                yield self._buses.step(end_bytes, place, frame, start_ns + since_ns, since_ns)

    def _frames(self) -> MeasuredFrames:
        return _FRAMES[self._kind](self._path)

    def _start(self) -> tuple[int, str | None]:
        """The start of the measurement, and a note on options that are not as stated in the log.

        Raises RecordingError if it is not known.
        """
        text, is_utc = self._stated_start()
        if self._epoch_ns is not None:
            return self._epoch_ns, EPOCH_USED if text is not None else None
        if text is None:
            raise undated_error(self._path, "give the start of the measurement by --epoch")
        if not is_utc and self._zone is None:
            raise RecordingError(f"{self._path} {LOCAL} ({text})")
        note = ZONE_UNUSED if is_utc and self._zone is not None else None
        try:
            return iso_ns(text, UTC if is_utc else self._zone), note
        except TimestampError as error:
            raise RecordingError(f"the start of {self._path}: {error}; give --epoch") from None

    def _stated_start(self) -> tuple[str | None, bool]:
        if self._kind == "mf4":
            return mf4_start(self._path)
        return (asc_start if self._kind == "asc" else blf_start)(self._path), False
