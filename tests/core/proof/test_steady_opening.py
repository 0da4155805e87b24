"""No false alarm beside a deletion, or beside the sealing of a day."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from nova.core.derived.day_sealer import DaySealer
from nova.core.proof.kept_roots import kept_roots
from nova.core.proof.steady_opening import steady_archive
from nova.core.proof.verification import InProcess, PieceChecker, Verification
from nova.core.proof.wait_notice import WaitNotice
from nova.core.store.archive import Archive
from nova.core.store.roots_file import write_roots
from nova.core.store.seal_reader import sealed_days
from nova.core.store.secondary import open_secondary_archive
from nova.core.utc_day import NS_PER_DAY, day_of
from tests.core.proof.checking_archives import MEMORY_BYTES
from tests.core.retaining import DAYS, DeathError, Retaining
from tests.core.telling import START_NS

EVENTS_PER_DAY = 60


@pytest.fixture
def filled(tmp_path: Path) -> Retaining:
    retaining = Retaining(tmp_path / "archive", EVENTS_PER_DAY)
    retaining.fill(DAYS - 1)
    return retaining


def give_back(filled: Retaining, commits: int | None = None) -> None:
    with suppress(DeathError):
        asyncio.run(filled.give_back(commits))
    filled.sync()


def checked(filled: Retaining, scratch: Path, commits: int | None, looks: int) -> list[str]:
    """The findings of a check whose other process opens after some commits of a deletion, which
    continues whenever the check pauses.
    """
    gone_on = 0

    @contextmanager
    def later(archive: Archive, alone: bool) -> Iterator[PieceChecker]:
        if not gone_on:
            give_back(filled, commits)
        with (
            tempfile.TemporaryDirectory() as own,
            open_secondary_archive(filled.data, Path(own), MEMORY_BYTES) as newer,
        ):
            yield InProcess(newer)

    def pause() -> None:
        nonlocal gone_on
        gone_on += 1
        if gone_on == looks:
            give_back(filled)

    with steady_archive(filled.data, scratch, later, pause) as (archive, checker):
        found = Verification(archive, checker).whole().findings
    assert gone_on >= 1
    return [one.line() for one in found]


def test_processes_that_see_different_deletions_open_again(
    filled: Retaining, tmp_path: Path
) -> None:
    """One opens in the middle of a day, or after all days; the deletion pauses meanwhile."""
    filled.sync()
    assert checked(filled, tmp_path, commits=4, looks=3) == []
    filled.archive.close()


def test_days_that_are_deleted_in_between_are_no_finding(filled: Retaining, tmp_path: Path) -> None:
    filled.sync()
    assert checked(filled, tmp_path, commits=None, looks=3) == []
    filled.archive.close()


def test_a_deletion_that_was_cut_is_a_finding(filled: Retaining, tmp_path: Path) -> None:
    give_back(filled, commits=4)
    filled.archive.close()
    lines: list[str] = []
    opening = steady_archive(
        filled.data,
        tmp_path,
        alone_here,
        pause=lambda: None,
        cut_looks=2,
        report_wait=WaitNotice(lines.append).waiting,
    )
    with opening as (archive, checker):
        (found,) = Verification(archive, checker).whole().findings
    assert "is unfinished" in found.line()
    (line,) = lines
    assert line.startswith("waiting until retention has deleted 2026-01-0")
    assert line.endswith(" events")


@contextmanager
def alone_here(archive: Archive, alone: bool) -> Iterator[PieceChecker]:
    yield InProcess(archive)


def test_a_day_that_is_sealed_meanwhile_is_no_finding(filled: Retaining, tmp_path: Path) -> None:
    write_roots(filled.data, sealed_days(filled.archive))
    filled.sync()
    kept = kept_roots(filled.data)
    with open_secondary_archive(filled.data, tmp_path, MEMORY_BYTES) as archive:
        check = Verification(archive, InProcess(archive))
        filled.seal(DaySealer(filled.archive), day_of(START_NS + (DAYS - 1) * NS_PER_DAY))
        write_roots(filled.data, sealed_days(filled.archive))
        filled.sync()
        assert check.whole(kept).findings == []
    filled.archive.close()
