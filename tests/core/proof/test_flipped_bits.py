"""One flipped bit in any row of an archive is a finding of the check, or an error of a damaged
archive that names the record; nothing else ends the check.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from nova.core.errors import ArchiveDamagedError, ArchiveError
from nova.core.ordering import time_of
from nova.core.proof.event_check import EventCheck
from nova.core.store import catalog
from nova.core.store.archive import Archive
from nova.core.store.catalog_record import record_name
from nova.core.store.given_back import GIVEN_BACK_PREFIX
from nova.core.store.key_value import KeyValue
from nova.core.store.row_reader import RowReader
from nova.core.store.series_table import SeriesTable
from nova.core.writer.command_handler import read_stored
from nova.core.writer.committer import Committer
from nova.sdk import archive_id, timestamps
from tests.core.proof.checking_archives import verified
from tests.core.retaining import Retaining

EVENTS_PER_DAY = 4
FLIPS = 15
EVENT_STEP = 24


@pytest.fixture
async def archive(tmp_path: Path) -> Archive:
    """An archive with days that were given back, whose writer keeps it open."""
    made = Retaining(tmp_path, EVENTS_PER_DAY)
    made.fill()
    await made.give_back()
    return made.archive


def put(archive: Archive, family: str, row: KeyValue) -> None:
    batch = archive.batch()
    batch.raw.put(*row, batch._handles[family])  # noqa: SLF001
    archive.write(batch)
    archive.sync()


def flipped(value: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(value)
    changed[place] ^= 1 << bit
    return bytes(changed)


def rows(archive: Archive, family: str, prefix: bytes = b"") -> list[KeyValue]:
    blocks = RowReader(archive).blocks(family, prefix, prefix + b"\xff" * 64)
    return [row for block in blocks for row in block]


def test_a_flip_anywhere_is_a_finding_or_the_error_of_damage(
    archive: Archive, tmp_path: Path
) -> None:
    dice = random.Random(1)
    kinds = [
        ("catalog", rows(archive, "catalog", prefix))
        for prefix in (b"series/", b"given/", b"", b"rollup/")
    ]
    kinds.append(("canonical", rows(archive, "canonical")))
    for number in range(FLIPS):
        family, some = kinds[number % len(kinds)]
        key, value = dice.choice([row for row in some if row[1]])
        bit = 7 if dice.random() < 0.5 else dice.randrange(8)
        put(archive, family, (key, flipped(value, dice.randrange(len(value)), bit)))
        try:
            assert verified(tmp_path).findings or family == "catalog"
        except ArchiveError as error:
            assert family == "catalog", error
        put(archive, family, (key, value))
    assert verified(tmp_path).findings == []


def test_a_damaged_canonical_time_is_named_with_its_event(archive: Archive, tmp_path: Path) -> None:
    key, stored = rows(archive, "canonical")[0]
    put(archive, "canonical", (key, flipped(stored, len(stored) - 5, 7)))
    found = verified(tmp_path).findings
    assert timestamps.text(time_of(key)) in {one.time for one in found if one.event_id}
    assert any("malformed" in one.reason for one in found)


def test_high_bits_of_events_are_faults_of_their_rows(archive: Archive) -> None:
    series = SeriesTable()
    series.load(archive)
    stored = rows(archive, "canonical")
    check = EventCheck(series.names)
    assert check.check(stored).faults == []
    for key, value in stored[::EVENT_STEP]:
        for place in range(len(value)):
            check.check([(key, flipped(value, place, 7))])


def test_a_damaged_request_is_damage_for_the_writer(archive: Archive, tmp_path: Path) -> None:
    order_key, event_key = rows(archive, "source")[0]
    committer = Committer(archive, tmp_path)
    read_stored(committer, order_key)
    stored = archive.events.envelope(event_key)
    assert stored is not None
    put(archive, "canonical", (event_key, flipped(stored, -5, 7)))
    for key in (order_key, order_key[:-1]):
        with pytest.raises(ArchiveDamagedError, match=f"{key.hex()} is missing or cannot be read"):
            read_stored(committer, key)


def test_records_that_are_read_later_are_named(archive: Archive) -> None:
    key = catalog.position_key("link")
    put(archive, "catalog", (key, b'{"s":\xb1}'))
    with pytest.raises(ArchiveDamagedError, match=record_name(key)):
        archive.record.positions("link")


@pytest.mark.parametrize("change", ["encoding", "lane"])
def test_a_damaged_series_is_named_and_its_events_are_checked(
    archive: Archive, tmp_path: Path, change: str
) -> None:
    key, value = next(row for row in rows(archive, "catalog", b"series/") if b"parsed" in row[1])
    place = value.index(b"parsed") + 4
    put(archive, "catalog", (key, flipped(value, place, 7 if change == "encoding" else 2)))
    found = verified(tmp_path)
    assert record_name(key) in {one.place for one in found.findings}
    assert found.events == len(rows(archive, "canonical"))
    with pytest.raises(ArchiveDamagedError, match="cannot be read"):
        SeriesTable().load(archive)


@pytest.mark.parametrize("key", [GIVEN_BACK_PREFIX, catalog.ARCHIVE_ID_KEY, catalog.COUNTERS_KEY])
def test_an_archive_whose_records_are_damaged_is_not_opened(
    archive: Archive, tmp_path: Path, key: bytes
) -> None:
    record, value = rows(archive, "catalog", key)[0]
    put(archive, "catalog", (record, flipped(value, 0, 7)))
    assert (tmp_path / archive_id.ID_FILE).exists()
    with pytest.raises(ArchiveDamagedError) as error:
        verified(tmp_path)
    assert record_name(record) in str(error.value)
    archive.close()
    with pytest.raises(ArchiveDamagedError) as error:
        Archive.open_primary(tmp_path)
    assert record_name(record) in str(error.value)
