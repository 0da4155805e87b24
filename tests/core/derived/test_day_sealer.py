"""Sealing: each day that is over once, in a chain, whatever is interrupted, missing or empty."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec
import pytest

from nova.core.derived.day_sealer import DaySealer, SealService
from nova.core.errors import ArchiveDamagedError, RequestError
from nova.core.ordering import time_of
from nova.core.server.submission_client import SubmissionClient
from nova.core.store import catalog
from nova.core.store.roots_file import read_roots, roots_path
from nova.core.store.seal_reader import sealed_days
from nova.core.submission_messages import EndDay, Principal
from nova.core.utc_day import NS_PER_DAY, day_of
from nova.sdk import archive_id, endpoints
from nova.sdk.events.day_seal import SealGroup, group_of, make_seal, read_seal, seal_hash
from nova.sdk.events.merkle import leaf_hash, root_of
from nova.sdk.protocol.messages import Error
from nova.sdk.protocol.submission import Submission
from nova.sdk.settings import Settings
from tests.core.conftest import Make
from tests.core.derived.sealing import DAY_NS, HOUR_NS, SealedArchive
from tests.core.running import WAIT_S, running_core


@pytest.fixture
def sealed(tmp_path: Path, record: Make) -> Iterator[SealedArchive]:
    """Events on the first and the third day, and the clock in the fourth."""
    opened = SealedArchive(tmp_path)
    for day, hours in ((0, (1, 23)), (2, (5,))):
        for hour in hours:
            number = 100 * day + hour
            lanes = ("parsed", "raw", "parsed", "ui")
            records = [record(number * 10 + n, lane=lane) for n, lane in enumerate(lanes)]
            opened.put(DAY_NS + day * NS_PER_DAY + hour * HOUR_NS, records)
    opened.clock.ns = DAY_NS + 3 * NS_PER_DAY + HOUR_NS
    yield opened
    opened.close()


def stored_on(sealed: SealedArchive, day: str) -> list[bytes]:
    """The envelopes of a day in canonical order."""
    rows = sealed.archive.events.scan("canonical")
    return [stored for key, stored in rows if day_of(time_of(key)) == day]


async def test_days_that_are_over_are_sealed_in_a_chain(sealed: SealedArchive) -> None:
    """Roots are those of the stored envelopes, empty days have no seal, and the seals themselves
    are sealed by a later one. No event has come since the third day: the clock ends it.
    """
    await sealed.seal_all()
    first, third = sealed_days(sealed.archive)
    assert (first.day, first.previous_day, first.previous_hash) == ("2026-01-01", None, None)
    assert (third.day, third.previous_day, third.previous_hash) == (
        "2026-01-03",
        first.day,
        first.hash,
    )
    for seal in (first, third):
        stored = stored_on(sealed, seal.day)
        assert seal.events == len(stored) and seal.hash == seal_hash(seal)
        assert seal.root == root_of([leaf_hash(envelope) for envelope in stored]).hex()
        assert seal.groups is not None
        for found in seal.groups:
            within = f'"scopeId":"{found.scope_id}","lane":"{found.lane}"'.encode()
            leaves = [leaf_hash(envelope) for envelope in stored if within in envelope]
            assert (found.events, found.root) == (len(leaves), root_of(leaves).hex())
        assert [one.lane for one in seal.groups] == ["parsed", "raw", "ui"]
    assert read_roots(roots_path(sealed.data)) == [first, third]
    events = stored_on(sealed, "2026-01-04")
    assert [read_seal(envelope) for envelope in events] == [first, third]
    sealed.clock.ns += NS_PER_DAY
    await sealed.seal_all()
    *_, fourth = sealed_days(sealed.archive)
    assert (fourth.day, fourth.events) == ("2026-01-04", 2)
    assert fourth.groups is not None
    assert [one.group() for one in fourth.groups] == [SealGroup("sat", "metadata", True)]


async def test_a_day_is_sealed_once_it_is_over_and_not_before(sealed: SealedArchive) -> None:
    """Also not if somebody asks for it; and no event can be added to a sealed day."""
    sealed.clock.ns = DAY_NS + 2 * NS_PER_DAY + 6 * HOUR_NS
    await sealed.seal_all()
    (first,) = sealed_days(sealed.archive)
    with pytest.raises(RequestError, match="2026-01-03 is not over"):
        await sealed.end_day("2026-01-03")
    third = make_seal(first.archive, "2026-01-03", first.root, first.groups or [], first)
    with pytest.raises(RequestError, match="2026-01-03 is not over"):
        await sealed.record_seal(third)
    sealed.clock.ns = DAY_NS  # The wall clock is set back.
    sealed.committer.pass_time()
    assert sealed.committer.last_ns > DAY_NS + 2 * NS_PER_DAY


async def test_the_writer_records_what_continues_the_chain(sealed: SealedArchive) -> None:
    """The same seal again is no second event: a reply that was lost is asked for again."""
    await sealed.seal_all()
    first, third = sealed_days(sealed.archive)
    events = sealed.committer.counters.events
    await sealed.record_seal(third)
    assert sealed.committer.counters.events == events
    sealed.clock.ns += 9 * NS_PER_DAY
    await sealed.end_day("2026-01-11")
    for wrong, reason in (
        (make_seal(first.archive, third.day, first.root, [], first), "sealed already"),
        (make_seal(first.archive, "2026-01-05", first.root, [], first), "does not follow"),
        (make_seal("another", "2026-01-05", first.root, [], third), "of archive another"),
        (msgspec.structs.replace(third, day="2026-01-05"), "hash is not that"),
    ):
        with pytest.raises(RequestError, match=reason):
            await sealed.record_seal(wrong)
    assert sealed.committer.counters.events == events


async def test_an_interrupted_day_is_sealed_from_its_beginning(sealed: SealedArchive) -> None:
    """A sealer that stops in the middle leaves nothing; the next one finds the same seal."""
    sealer = DaySealer(sealed.archive)
    assert sealer.next_day() == "2026-01-01"
    steps = list(DaySealer(sealed.archive).seal("2026-01-01"))
    assert next(sealer.seal("2026-01-01")) is None and steps[-1] is not None
    await sealed.seal_all()
    assert sealed_days(sealed.archive)[0] == steps[-1]


async def test_the_file_is_written_again_and_another_history_is_kept(
    sealed: SealedArchive,
) -> None:
    """Removed, it is there again; a file that is no beginning of the seals is renamed."""
    await sealed.seal_all()
    path = roots_path(sealed.data)
    whole = path.read_bytes()
    path.unlink()
    await sealed.seal_all()
    assert path.read_bytes() == whole
    path.write_bytes(whole.splitlines(keepends=True)[1])
    await sealed.seal_all()
    assert path.read_bytes() == whole
    assert path.with_name("replaced-1.jsonl").read_bytes() == whole.splitlines(keepends=True)[1]


async def test_a_missing_seal_is_damage(sealed: SealedArchive) -> None:
    """It is not made again in silence: its hash is in the next one."""
    await sealed.seal_all()
    batch = sealed.archive.batch()
    batch.delete_record(catalog.seal_key("2026-01-01"))
    sealed.archive.write(batch)
    sealed.settle()
    with pytest.raises(ArchiveDamagedError, match=r"seal of 2026-01-03 .* does not follow"):
        await sealed.seal_all()


def test_groups_are_by_scope_and_lane_and_own_records_are_apart(sealed: SealedArchive) -> None:
    names = {series for _, series in sealed.archive.record.series()}
    assert {group_of(series) for series in names} == {
        SealGroup("sat", lane, False) for lane in ("parsed", "raw", "ui")
    }


async def test_a_running_writer_is_asked_over_its_socket(data: Path, record: Make) -> None:
    """An archive of before is sealed day by day; a client asks for no seal."""
    made = SealedArchive(data)
    for day in range(3):
        made.put(DAY_NS + day * NS_PER_DAY, [record(day)])
    made.close()
    async with running_core(Settings(data=str(data), scope="sat")) as core:
        submissions = SubmissionClient(endpoints.writer_socket(data))
        served = archive_id.require(data, archive_id.ANY_ARCHIVE)
        service = SealService(data, served, submissions)
        sealing = asyncio.create_task(service.run(poll_s=0.05, retry_s=0.05))
        archive = core.writer.committer.archive
        async with asyncio.timeout(WAIT_S):
            while len(seals := sealed_days(archive)) < 3 or len(read_roots(roots_path(data))) < 3:
                await asyncio.sleep(0.05)
        asked = cast("Submission", EndDay(day="2026-01-09"))
        reply = await submissions.submit(Principal("ann", "admin"), asked)
        assert isinstance(reply, Error) and reply.code == "forbidden"
        sealing.cancel()
        await submissions.close()
    assert [seal.day for seal in seals] == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert read_roots(roots_path(data)) == seals
