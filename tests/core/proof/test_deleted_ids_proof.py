"""Changed ids of deleted events and changed records of deletions are found, others are not."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from nova.core.ordering import order_key, time_of
from nova.core.store.archive import Archive
from nova.core.store.deleted_ids import DELETED_PREFIX
from nova.core.store.given_back import (
    GIVEN_BACK_PREFIX,
    decode_given_back,
    encode_given_back,
    given_back_key,
)
from nova.core.store.key_value import KeyValue
from nova.core.store.scan import scan
from nova.sdk.events.event import check, without_stamp
from tests.core.proof.checking_archives import verified
from tests.core.proof.tampering import StoredEvent, Tamperer
from tests.core.retaining import DeathError, Retaining

EVENTS_PER_DAY = 60


@pytest.fixture
def filled(tmp_path: Path) -> Retaining:
    retaining = Retaining(tmp_path, EVENTS_PER_DAY)
    retaining.fill()
    return retaining


def rows(archive: Archive, prefix: bytes) -> list[KeyValue]:
    return list(scan(archive.families["catalog"], prefix, prefix + b"\xff" * 32))


def put(archive: Archive, *changed: tuple[bytes, KeyValue]) -> None:
    """Put each row in the place of the one with the key before it."""
    batch = archive.batch()
    for key, row in changed:
        batch.delete_record(key)
        batch.put_record(*row)
    archive.write(batch)
    archive.sync()


def flipped(content: bytes, place: int, bit: int = 0) -> bytes:
    changed = bytearray(content)
    changed[place] ^= 1 << bit
    return bytes(changed)


def reasons(data: Path) -> list[str]:
    return [one.reason for one in verified(data).findings]


@pytest.mark.parametrize("changes", [4, pytest.param(40, marks=pytest.mark.slow)])
async def test_every_changed_id_is_found(filled: Retaining, changes: int) -> None:
    """A bit of a key or of an id, and an id that is exchanged for another."""
    await filled.give_back()
    dice = random.Random(4)
    stored = rows(filled.archive, DELETED_PREFIX)
    assert len(stored) > 20
    for _ in range(changes):
        key, value = dice.choice(stored)
        at = dice.randrange(len(DELETED_PREFIX), len(key))
        moved = flipped(key, at, dice.randrange(8))
        of_value = flipped(value, dice.randrange(len(value)), dice.randrange(8))
        for row in ((moved, value), (key, of_value)):
            put(filled.archive, (key, row))
            assert reasons(filled.data) == [
                "the ids that are kept are not those of the deleted events"
            ]
            put(filled.archive, (row[0], (key, value)))
    (one, its), (other, others) = stored[0], stored[-1]
    put(filled.archive, (one, (one, others[:8] + its[8:])), (other, (other, its[:8] + others[8:])))
    assert "not those of the deleted events" in "".join(reasons(filled.data))
    put(filled.archive, (one, (one, its)), (other, (other, others)))
    assert reasons(filled.data) == []


async def test_every_change_of_a_record_is_found(filled: Retaining) -> None:
    await filled.give_back()
    stored = rows(filled.archive, GIVEN_BACK_PREFIX)
    for number in (0, len(stored) - 1):
        key, value = stored[number]
        record = decode_given_back(value)
        first, last = record.source_spans[0]
        for changed in (
            replace(record, source_spans=[(first + 1, last), *record.source_spans[1:]]),
            replace(record, digest=record.digest[:-1] + "x"),
            replace(record, bytes=record.bytes + 1),
            replace(record, principal="nobody"),
            replace(record, ids_sum=flipped(record.ids_sum, 255)),
            replace(record, ids_sum=b""),
        ):
            put(filled.archive, (key, (key, encode_given_back(changed))))
            found = "".join(reasons(filled.data))
            assert "another" in found
            assert "its audit event" in found
        put(filled.archive, (key, (key, value)))
    (key, value), moved = stored[1], given_back_key(1_000)
    put(filled.archive, (key, (moved, value)))
    assert reasons(filled.data)
    put(filled.archive, (moved, (key, value)))
    assert reasons(filled.data) == []


async def test_a_removal_that_was_cut_again_and_again_is_whole(filled: Retaining) -> None:
    """In parts of other sizes, the ids are the same."""
    filled.part_events = 7
    for commits in (2, 3, 5, 9, 17):
        with pytest.raises(DeathError):
            await filled.give_back(commits)
        filled.reopen()
    filled.part_events = 100
    await filled.give_back()
    assert reasons(filled.data) == []


class Earlier(Tamperer):
    """Makes of an archive what a version without digests of records and ids has left."""

    def leave(self) -> None:
        gone = [one for one in self.events if b'"DayGivenBack"' in one.stored]
        self._change(gone, list(map(self._without_digest, gone)))
        strip(self._archive)
        self._archive.sync()
        self._archive.close()

    @staticmethod
    def _without_digest(one: StoredEvent) -> StoredEvent:
        members = json.loads(without_stamp(one.stored))
        del members["eventId"], members["payload"]["recordDigest"]
        event = check(json.dumps(members).encode())
        key = order_key(event.source_ns, event.lane, event.event_id)
        return StoredEvent(one.event_key, key, event.stamped(time_of(one.event_key)))


def strip(archive: Archive) -> None:
    """Make every record one of an earlier version."""
    for key, value in rows(archive, GIVEN_BACK_PREFIX):
        earlier = encode_given_back(replace(decode_given_back(value), ids_sum=b""))
        put(archive, (key, (key, earlier)))


def change_id(archive: Archive, choose: Callable[[list[KeyValue]], KeyValue]) -> None:
    key, value = choose(rows(archive, DELETED_PREFIX))
    put(archive, (key, (key, flipped(value, 0))))


@pytest.mark.parametrize("commits", [2, 12])
async def test_what_an_earlier_version_has_deleted_is_covered_by_the_next_day(
    filled: Retaining, commits: int
) -> None:
    """Until then only the numbers of ids are compared. It may have been cut within a day."""
    with pytest.raises(DeathError):
        await filled.give_back(commits)
    filled.reopen()
    filled.archive.close()
    Earlier(filled.data, filled.data / "none", 7).leave()
    filled.archive = Archive.open_primary(filled.data)
    (found,) = reasons(filled.data)
    assert "is unfinished: start NOVA" in found
    filled.committer = filled._committer()  # noqa: SLF001
    await filled.give_back()
    assert reasons(filled.data) == []
    change_id(filled.archive, lambda stored: stored[0])
    assert "not those of the deleted events" in "".join(reasons(filled.data))


async def test_an_archive_of_an_earlier_version_gives_no_alarm(filled: Retaining) -> None:
    await filled.give_back()
    filled.archive.close()
    Earlier(filled.data, filled.data / "none", 7).leave()
    assert reasons(filled.data) == []
