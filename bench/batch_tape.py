"""Batches of records in a file, prepared before the measurement: reading one costs next to nothing.

Making records meanwhile would pause the measurement, and a million of them in memory would
count as the writer's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from nova.sdk.transport.base import Record

SIZE_BYTES = 4

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[list[Record]] = msgspec.msgpack.Decoder(list[Record])


def write(path: Path, batches: Iterable[Sequence[Record]]) -> None:
    """Put batches into a new file."""
    with path.open("wb") as file:
        for part in batches:
            frame = _encoder.encode(part)
            file.write(len(frame).to_bytes(SIZE_BYTES, "big") + frame)


def read(path: Path) -> Iterator[list[Record]]:
    """The batches of a file, one by one."""
    with path.open("rb") as file:
        while size := file.read(SIZE_BYTES):
            yield _decoder.decode(file.read(int.from_bytes(size, "big")))
