"""`jsonl`: stored envelopes byte for byte, one per line. Lossless; `nova import` reads it."""

from __future__ import annotations

from collections.abc import Sequence

from nova.sdk.drivers.driver import Driver, DriverFile, stem_of
from nova.sdk.drivers.driver_stream import DriverStream


class JsonLines(Driver):
    """Whole envelopes of every lane."""

    driver_id = "jsonl"

    def parts(self, stream: DriverStream) -> tuple[str, ...]:
        """One file per stream."""
        return (f"{stem_of(stream)}.jsonl",)

    def write(self, events: Sequence[bytes], file: DriverFile) -> Sequence[bytes]:
        """Stored envelopes joined by line feeds, which they never contain."""
        return (b"\n".join([*events, b""]),)
