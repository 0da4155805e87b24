"""MCAP files are those that the library's own writer makes (issue 8)."""

from __future__ import annotations

import io
import random
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import pytest
from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer

from core.drivers.chunks import ChunkedFile

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

CHUNK_BYTES = 2_000
PROFILE = "nova"

Add = Callable[[int, int, bytes, int, int], None]


def fill(schema: Callable[[str, bytes], int], channel: Callable[[str, int], int], add: Add) -> None:
    """Messages of channels that appear one after the other, in all sizes, out of order in time."""
    dice = random.Random(1)
    numbers: list[int] = []
    for count in range(300):
        if count % 40 == 0:
            numbers.append(channel(f"/{count}", schema(f"kind {count}", b"{}" * count)))
        size = dice.choice((0, 1, 50, 500, 5_000))
        log_ns = dice.choice((0, count, 2**63 - 1 - count))
        add(dice.choice(numbers), log_ns, dice.randbytes(size), count, count)


def ours(filling: bool) -> bytes:
    """A file by ChunkedFile."""
    out = io.BytesIO()
    with ChunkedFile(out, CHUNK_BYTES, PROFILE) as file:
        if filling:
            fill(
                file.schema,
                lambda topic, schema: file.channel(topic, schema, {"a": topic}),
                file.message,
            )
        file.finish()
    return out.getvalue()


def theirs(filling: bool) -> bytes:
    """The same by the library."""
    out = io.BytesIO()
    writer = Writer(out, chunk_size=CHUNK_BYTES, compression=CompressionType.ZSTD)
    writer.start(profile=PROFILE, library="nova")
    if filling:
        fill(
            lambda name, text: writer.register_schema(name, "jsonschema", text),
            lambda topic, schema: writer.register_channel(topic, "json", schema, {"a": topic}),
            writer.add_message,
        )
    writer.finish()  # type: ignore[no-untyped-call]  # its author's
    return out.getvalue()


@pytest.mark.parametrize("filling", [True, False])
def test_bytes_are_those_of_the_library(filling: bool) -> None:
    """Chunks, indexes, summary and checksums; also of a file without a message."""
    made = ours(filling)
    assert made == theirs(filling)
    summary = make_reader(io.BytesIO(made), validate_crcs=True).get_summary()
    assert summary is not None and summary.statistics is not None
    assert (summary.statistics.chunk_count > 10) is filling


class Full(io.BytesIO):
    """A disk that has room for little."""

    def writelines(self, lines: Iterable[ReadableBuffer], /) -> None:
        """Add lines, or raise OSError."""
        if self.tell() > CHUNK_BYTES:
            raise OSError("full")
        super().writelines(lines)


def test_what_cannot_be_written_is_said() -> None:
    """Pitfalls row 34: the error comes out, though a thread works on; and the thread ends."""
    threads = threading.active_count()
    with pytest.raises(OSError, match="full"), ChunkedFile(Full(), CHUNK_BYTES, PROFILE) as file:
        fill(file.schema, lambda topic, schema: file.channel(topic, schema, {}), file.message)
    assert threading.active_count() == threads
