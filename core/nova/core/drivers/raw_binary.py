"""`rawBinary`: the concatenated bytes of raw frames, and a CSV index of their offsets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

import msgspec

from nova.sdk.drivers.driver import Driver, DriverFile
from nova.sdk.drivers.driver_stream import DriverStream
from nova.sdk.events.member_cells import escape_formula

COLUMNS = b"offset,bytes,canonicalTruthTime,sourceTruthTime,eventId,connectionId,sequence\r\n"


class _Frame(msgspec.Struct, rename="camel", gc=False):
    event_id: str
    source_truth_time: str
    canonical_truth_time: str
    frame: bytes = msgspec.field(name="bytes")
    connection_id: str | None = None
    sequence: int | None = None


_frames = msgspec.json.Decoder(_Frame)


class RawBinary(Driver):
    """`raw.bin` with the frames, and `raw.index.csv` with their offsets and sizes."""

    driver_id = "rawBinary"
    lanes = frozenset({"raw"})

    def parts(self, stream: DriverStream) -> tuple[str, ...]:
        """The frames and their index."""
        return ("raw.bin", "raw.index.csv")

    def write(self, events: Sequence[bytes], file: DriverFile) -> Sequence[bytes]:
        """The concatenated frames, and one index line per frame."""
        found = list(map(_frames.decode, events))
        sizes = [len(one.frame) for one in found]
        offsets = accumulate(sizes, initial=file.sizes[0])
        lines = [
            f"{offset},{size},{one.canonical_truth_time},{one.source_truth_time},{one.event_id},"
            f"{_cell(one.connection_id) if one.connection_id else ''},"
            f"{'' if one.sequence is None else one.sequence}\r\n"
            for offset, size, one in zip(offsets, sizes, found, strict=False)
        ]
        head = COLUMNS if file.events == 0 and events else b""
        return b"".join([one.frame for one in found]), head + "".join(lines).encode()


@lru_cache(maxsize=1_024)
def _cell(text: str) -> str:
    """A CSV cell, quoted where RFC 4180 requires it."""
    text = escape_formula(text)
    return '"' + text.replace('"', '""') + '"' if set(text) & set('",\r\n') else text
