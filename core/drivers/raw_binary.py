"""`rawBinary`: the bytes of raw frames one behind the other, and a table of where each begins
(A-195).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from core.drivers.cells import escaped
from sdk.drivers.driver import Driver, File
from sdk.drivers.stream import Stream

COLUMNS = b"offset,bytes,canonicalTruthTime,sourceTruthTime,eventId,connectionId,sequence\r\n"


class _Frame(msgspec.Struct, rename="camel"):
    event_id: str
    source_truth_time: str
    canonical_truth_time: str
    frame: bytes = msgspec.field(name="bytes")
    connection_id: str | None = None
    sequence: int | None = None


_frames = msgspec.json.Decoder(_Frame)


class RawBinary(Driver):
    """`raw.bin`, and `raw.index.csv` with the boundaries of its frames."""

    driver_id = "rawBinary"
    lanes = frozenset({"raw"})

    def parts(self, stream: Stream) -> tuple[str, ...]:
        """The bytes, and where the frames are in them."""
        return ("raw.bin", "raw.index.csv")

    def write(self, events: Sequence[bytes], file: File) -> Sequence[bytes]:
        """The frames, and a line for each."""
        decode = _frames.decode
        offset = file.sizes[0]
        frames: list[bytes] = []
        lines: list[str] = []
        for stored in events:
            frame = decode(stored)
            size = len(frame.frame)
            tail = ","
            if frame.connection_id is not None or frame.sequence is not None:
                tail = f"{_cell(frame.connection_id or '')},{_number(frame.sequence)}"
            lines.append(
                f"{offset},{size},{frame.canonical_truth_time},{frame.source_truth_time},"
                f"{frame.event_id},{tail}\r\n"
            )
            frames.append(frame.frame)
            offset += size
        head = COLUMNS if file.events == 0 and events else b""
        return b"".join(frames), head + "".join(lines).encode()


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


@lru_cache(maxsize=1_024)
def _cell(text: str) -> str:
    """A text as a cell of a table."""
    text = escaped(text)
    return '"' + text.replace('"', '""') + '"' if set(text) & set('",\r\n') else text
