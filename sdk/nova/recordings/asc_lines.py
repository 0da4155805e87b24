"""Vector's ASC: text logs of CAN frames, whose lines python-can parses."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from nova.recordings.bounded_lines import bounded_lines
from nova.recordings.can_message import (
    LibraryMessage,
    MeasuredFrame,
    MeasuredFrames,
    frame_of,
    since_start_ns,
)
from nova.recordings.candump import DATA_MAX_BYTES, ID_MAX, STANDARD_ID_MAX, CanFrame
from nova.recordings.recording import RecordingError
from nova.sdk.optional_imports import import_optional

HEAD_LINES_MAX = 50
LINE_MAX_BYTES = 4096
CUT = "cut short: the line has no line end"
NO_FRAME = "not a CAN frame as ASC writes it"
DELTAS = (
    "counts each stamp from the line before (timestamps relative), also from lines that are no "
    "frames: export it with absolute timestamps"
)

_HEAD = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?://[^\n]*\n\s*)*(?:date\s+\w+\s|base\s+(?:hex|dec)\b)"
)
_DATE = re.compile(
    r"(?:date|begin\s+triggerblock)\s+\w+\s+(\w{3})\w*\s+(\d{1,2})\s+(\d{1,2}):(\d\d):(\d\d)"
    r"(\.\d{1,9})?\s*(am|pm)?\s+(\d{4})\s*",
    re.IGNORECASE | re.ASCII,
)
_BASE = re.compile(r"base\s+(hex|dec)(?:\s+timestamps\s+(absolute|relative))?", re.IGNORECASE)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_STAMP = r"\d+\.\d+\s+"
_FRAME = re.compile(
    _STAMP
    + r"(?:\d+\s+\w+\s+(?:Tx|Rx)\s+(?:d\s+[0-9a-f]{1,2}|r)(?!\S)|\d+\s+ErrorFrame(?!\w)|CANFD\s)",
    re.I | re.A,
)
_HEAD_TEXT = re.compile(r"//|(?:date|base|begin|end|(?:no\s+)?internal|previous)\b", re.I | re.A)
_EVENT = re.compile(
    _STAMP + r"(?:\d+\s+(?:\w+\s+TxRq(?!\S)|(?!ErrorFrame(?!\w)|[0-9a-f]+x?(?!\S))[a-z]\w+:?(?!\S)"
    r"(?!\s+(?:Tx|Rx)\s+[dr](?!\S)))|(?!CANFD\b)[a-z])",
    re.I | re.A,
)
"""What is no frame: requests to send, statistics, states, transport protocols, other buses."""


def is_asc(head: bytes) -> bool:
    """Whether a file begins as one."""
    return _HEAD.match(head) is not None


def asc_start(path: Path) -> str | None:
    """The start of the measurement as an ISO time without a zone; None if the log has none.

    Raises RecordingError if the stamps do not count from it.
    """
    found = None
    for line in _head_lines(path):
        base = _BASE.match(line)
        if base is not None and (base[2] or "").lower() == "relative":
            raise RecordingError(f"{path} {DELTAS}")
        found = _local_iso(line) or found
    return found


def asc_frames(path: Path) -> MeasuredFrames:
    """The frames of a log, and the lines that are damaged."""
    library = import_optional("can", "recordings")
    base = next((one[1] for line in _head_lines(path) if (one := _BASE.match(line))), "hex")
    with path.open("rb") as file:
        lines = _FrameLines(file, base.lower())
        while not lines.is_done:
            lines.restart()
            try:
                for message in cast("Iterator[LibraryMessage]", library.ASCReader(lines)):
                    at_ns = since_start_ns(message.timestamp)
                    frame = _whole_frame(message)
                    yield MeasuredFrame(lines.end_bytes, lines.place, frame, at_ns)
            except (ValueError, IndexError, OverflowError):
                yield MeasuredFrame(lines.end_bytes, lines.place, problem=NO_FRAME)
        if lines.problem is not None:
            yield MeasuredFrame(lines.end_bytes, lines.place, problem=lines.problem)


def _whole_frame(message: LibraryMessage) -> CanFrame:
    """The frame of a line; raises ValueError for an id or data that none can have."""
    if message.arbitration_id > (ID_MAX if message.is_extended_id else STANDARD_ID_MAX):
        raise ValueError("no id of a CAN frame has this many bits")
    stated = message.dlc if message.is_fd else min(message.dlc, DATA_MAX_BYTES)
    has_data = not (message.is_remote_frame or message.is_error_frame)
    if has_data and len(message.data) != stated:
        raise ValueError("the bytes are not as many as the line says")
    return frame_of(message)


class _FrameLines(io.StringIO):
    """The lines of frames as python-can reads them, behind a head that it understands.

    The library ends at a line that it cannot parse; `restart` gives it the head again.
    """

    def __init__(self, file: BinaryIO, base: str) -> None:
        super().__init__()
        self._lines = bounded_lines(file, LINE_MAX_BYTES)
        self._head = (f"base {base} timestamps absolute\n", "no internal events logged\n")
        self._pending: list[str] = []
        self._is_in_head = True
        self.is_done = False
        self.end_bytes = 0
        self.place = "the begin"
        self.problem: str | None = None

    def restart(self) -> None:
        """Begin with the head again."""
        self._pending = list(self._head)

    def close(self) -> None:
        """Stay open: the library closes what it has read."""

    def __iter__(self) -> _FrameLines:  # type: ignore[override]
        return self

    def __next__(self) -> str:  # type: ignore[override]
        if self._pending:
            return self._pending.pop(0)
        for line in self._lines:
            is_cut = line.data is not None and line.size_bytes == len(line.data)
            self.end_bytes, self.place = line.end_bytes, f"line {line.number}"
            text = None if line.data is None else line.data.decode("latin-1").strip()
            if text is not None and self._is_no_frame(text):
                continue
            if is_cut:
                self.problem = CUT
            elif text is None or _FRAME.match(text) is None:
                # The library passes it on to `asc_frames`, which begins again behind the line.
                raise ValueError(NO_FRAME)
            else:
                return text + "\n"
        self.is_done = True
        raise StopIteration

    def _is_no_frame(self, text: str) -> bool:
        """Whether a line is one that a log has beside frames: any text of the head, events."""
        if text[:1].isdigit() or text[:1] in "-+" or text[:5].lower() == "begin":
            self._is_in_head = False
        is_text = self._is_in_head or _HEAD_TEXT.match(text) is not None
        return not text or is_text or _EVENT.match(text) is not None


def _head_lines(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for line in bounded_lines(file, LINE_MAX_BYTES):
            text = (line.data or b"").decode("utf-8-sig", "replace").strip()
            if line.number > HEAD_LINES_MAX or text[:1].isdigit():
                return
            yield text


def _local_iso(line: str) -> str | None:
    """The ISO form of `date Sat Sep 30 10:06:13.191 PM 2017`, without a zone."""
    match = _DATE.fullmatch(line)
    if match is None or match[1].lower() not in _MONTHS:
        return None
    month, hour = _MONTHS.index(match[1].lower()) + 1, int(match[3])
    if match[7] is not None:
        hour = hour % 12 + 12 * (match[7].lower() == "pm")
    day = f"{match[8]}-{month:02}-{int(match[2]):02}"
    return f"{day}T{hour:02}:{match[4]}:{match[5]}{match[6] or ''}"
