"""Digests of days: those that are over are kept, unless retention has changed them."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.core.backup.day_digests import day_digests
from nova.core.backup.folder_target import FolderTarget
from nova.core.backup.generation import read_generation
from tests.core.backup.backing_up import backed_up, contents, restored
from tests.core.retaining import DAYS, DeathError, Retaining

EVENTS_PER_DAY = 60
COMMITS = 4


async def test_backups_follow_retention(target: FolderTarget, tmp_path: Path) -> None:
    """A-299: before days are given back, while the writer is within it, and afterwards. Each backup
    is restored with the events that the archive had.
    """
    retaining = Retaining(tmp_path / "data", EVENTS_PER_DAY)
    retaining.fill()
    retaining.sync()
    names = [backed_up(retaining.data, target).generation]
    with pytest.raises(DeathError):
        await retaining.give_back(COMMITS)
    retaining.sync()
    names.append(backed_up(retaining.data, target).generation)
    await retaining.give_back()
    held = retaining.committer.counters.held
    names.append(backed_up(retaining.data, target).generation)
    retaining.archive.close()
    found = []
    for name in names:
        restored(target, tmp_path / name, name)
        found.append(contents(tmp_path / name)[0])
        assert found[-1] == read_generation(target, name).events
    assert found[-1] == held < found[0]


def test_days_that_are_over_are_not_read_again(tmp_path: Path) -> None:
    """Only the newest day that is known is computed, and those after it."""
    retaining = Retaining(tmp_path / "data", EVENTS_PER_DAY)
    retaining.fill()
    steps: list[int] = []
    days = day_digests(retaining.archive, lambda done, _: steps.append(done))
    assert len(days) >= DAYS
    read = len(steps)
    steps.clear()
    assert day_digests(retaining.archive, lambda done, _: steps.append(done), days) == days
    assert 0 < len(steps) < read / 2
    retaining.archive.close()
