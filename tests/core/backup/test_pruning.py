"""Pruning keeps every piece that a kept backup needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.core.backup.folder_target import FolderTarget
from nova.core.backup.generation import GENERATIONS_FOLDER, generation_names, read_generation
from nova.core.backup.piece_store import PIECES_FOLDER
from nova.sdk.errors import NovaError
from tests.core.backup.backing_up import LivingArchive, backed_up, contents, restored


def test_kept_backups_restore_and_the_rest_goes(
    living: LivingArchive, target: FolderTarget, tmp_path: Path
) -> None:
    made = []
    for _ in range(4):
        made.append(backed_up(living.data, target, keep=2))
        living.grow()
        living.archive.flush()
    names = generation_names(target)
    assert names == [backup.generation for backup in made[-2:]]
    assert made[-1].removed_generations == [made[1].generation]
    needed = {piece for name in names for piece in read_generation(target, name).pieces()}
    assert {Path(name).name for name in target.sizes(PIECES_FOLDER)} == needed
    for name, events in zip(names, (2_200, 2_300), strict=True):
        restored(target, tmp_path / name, name)
        assert contents(tmp_path / name)[0] == events


def test_nothing_goes_where_a_kept_backup_cannot_be_read(
    living: LivingArchive, target: FolderTarget
) -> None:
    """Nobody knows what it needs. The new backup is there all the same."""
    first = backed_up(living.data, target).generation
    path = Path(str(target)) / GENERATIONS_FOLDER / f"{first}.json"
    path.write_bytes(path.read_bytes().replace(b'"events":2000', b'"events":2001'))
    pieces = target.sizes(PIECES_FOLDER)
    with pytest.raises(NovaError, match=f"the backup {first} in .* is damaged"):
        backed_up(living.data, target, keep=2)
    assert pieces.items() <= target.sizes(PIECES_FOLDER).items()
    assert len(generation_names(target)) == 2
