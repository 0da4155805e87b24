"""The durability marker: its file gives the written values back, or is refused."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from nova.core.errors import ArchiveDamagedError
from nova.core.store.durability_marker import (
    MARKER_FILE,
    DurabilityMarker,
    read_marker,
    require_durable,
    write_marker,
)
from nova.sdk.archive_id import ID_FILE

WITNESS = DurabilityMarker(sequence=7, canonical_ns=1_000, events=3, positions={"link": {"s": 4}})
OLD = b'{"sequence":7,"canonicalNs":1000,"events":3,"positions":{"link":{"s":4}}}'


def test_a_witness_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Also one of a NOVA whose witnesses had no checksum."""
    assert read_marker(tmp_path) is None
    write_marker(tmp_path, WITNESS)
    read = read_marker(tmp_path)
    assert read is not None and (read.sequence, read.canonical_ns, read.events) == (7, 1_000, 3)
    (tmp_path / MARKER_FILE).write_bytes(OLD)
    assert read_marker(tmp_path) == WITNESS


def test_no_flipped_bit_makes_it_claim_less(tmp_path: Path) -> None:
    """A lower canonical time would end every answer of an archive at rest there."""
    write_marker(tmp_path, WITNESS)
    path = tmp_path / MARKER_FILE
    kept = path.read_bytes()
    refused = 0
    for bit in range(8 * len(kept)):
        content = bytearray(kept)
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        try:
            read = read_marker(tmp_path)
        except ArchiveDamagedError as error:
            assert str(path) in str(error)
            refused += 1
            continue
        assert read is not None
        assert (read.sequence, read.canonical_ns, read.events) == (7, 1_000, 3)
    assert refused > 4 * len(kept)


def test_one_that_is_gone_is_missed(tmp_path: Path) -> None:
    """Not taken for that of a new archive: where there are events and an id, there was one."""
    truth = tmp_path / "truth"
    require_durable(None, WITNESS, truth)
    (tmp_path / ID_FILE).write_text("5a0f\n")
    require_durable(None, msgspec.structs.replace(WITNESS, events=0), truth)
    with pytest.raises(ArchiveDamagedError, match=r"witness\.json is missing.*3 events"):
        require_durable(None, WITNESS, truth)
