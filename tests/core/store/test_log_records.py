"""RocksDB's log format: records are read as written, wherever blocks end."""

from __future__ import annotations

import struct
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nova.core.store.archive import Archive
from nova.core.store.log_records import BLOCK_BYTES, LogReader
from nova.core.store.log_tail import refuse_holes
from tests.laws import law

HEADER = struct.Struct("<IHB")
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def written(records: list[bytes]) -> bytes:
    """A log of records, as RocksDB lays them out (without checksums, which are not asked)."""
    log = b""
    for record in records:
        rest, is_first = record, True
        while True:
            room = BLOCK_BYTES - len(log) % BLOCK_BYTES
            if room < HEADER.size:
                log += bytes(room)
                continue
            part, rest = rest[: room - HEADER.size], rest[room - HEADER.size :]
            kind = (FULL if not rest else FIRST) if is_first else (LAST if not rest else MIDDLE)
            log += HEADER.pack(0, len(part), kind) + part
            is_first = False
            if not rest:
                break
    return log


SIZES = st.integers(0, 200) | st.integers(BLOCK_BYTES - 40, BLOCK_BYTES + 40) | st.just(90_000)


@law(50)
@given(st.lists(SIZES, max_size=12), st.integers(0, 60))
def test_records_come_out_as_they_went_in(sizes: list[int], most: int) -> None:
    """Whole, and their first bytes, also where a block has room for a few of them only."""
    records = [
        bytes((number + at) % 251 for at in range(size)) for number, size in enumerate(sizes)
    ]
    log = written(records)
    reader = LogReader(log)
    found = list(reader)
    assert [record.payload(log) for record in found] == records
    assert [record.payload(log, most) for record in found] == [one[:most] for one in records]
    assert (reader.ending, reader.offset) == ("clean", len(log))


def test_the_head_of_a_record_is_read_across_blocks() -> None:
    """At every number of bytes that a block may have left."""
    head = bytes(range(12))
    for left in range(40):
        records = [b"x" * (BLOCK_BYTES - HEADER.size - left), head + b"rest"]
        log = written(records)
        assert [one.payload(log, 12) for one in LogReader(log)] == [records[0][:12], head]


def test_a_sound_log_of_small_commits_has_no_holes(tmp_path: Path) -> None:
    """Of a real archive: commits of every length, so that heads lie at every place of a block."""
    archive = Archive.open_primary(tmp_path)
    for number in range(4_000):
        batch = archive.batch()
        batch.put_record(b"key", b"v" * (number % 997))
        archive.write(batch)
    archive.sync()
    refuse_holes(archive.path)
    archive.close()
