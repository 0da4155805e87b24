"""`jsonl`: stored envelopes, one a line, byte for byte; nothing is lost, and `nova import` reads
them.
"""

from __future__ import annotations

from collections.abc import Sequence

from sdk.drivers.driver import Driver, File, stem_of
from sdk.drivers.stream import Stream


class JsonLines(Driver):
    """Whole envelopes, of every lane."""

    driver_id = "jsonl"

    def parts(self, stream: Stream) -> tuple[str, ...]:
        """One file for a stream."""
        return (f"{stem_of(stream)}.jsonl",)

    def write(self, events: Sequence[bytes], file: File) -> Sequence[bytes]:
        """The envelopes as they are stored, which hold no line feed."""
        return (b"\n".join([*events, b""]),)
