"""Pruning keeps every piece that a kept backup needs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest

from nova.core.backup.folder_target import FolderTarget
from nova.core.backup.generation import GENERATIONS_FOLDER, generation_names, read_generation
from nova.core.backup.piece_store import PIECES_FOLDER
from nova.sdk.errors import NovaError
from tests.core.backup.backing_up import LivingArchive, Make, backed_up, contents, restored


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


def path_of(target: FolderTarget, name: str) -> Path:
    return Path(str(target)) / GENERATIONS_FOLDER / f"{name}.json"


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"events":2000', b'"events":2001'))


def set_layout(path: Path, layout: int) -> None:
    """Make a generation one of a later NOVA."""
    generation = msgspec.json.decode(path.read_bytes())["generation"] | {"layout": layout}
    digest = hashlib.sha256(msgspec.json.encode(generation)).hexdigest()
    path.write_bytes(msgspec.json.encode({"sha256": digest, "generation": generation}))


@pytest.mark.parametrize("keep", [None, 1, 3])
def test_nothing_goes_where_a_backup_cannot_be_read(
    living: LivingArchive, target: FolderTarget, keep: int | None
) -> None:
    """Nobody knows what it needs. The new backup is there all the same."""
    first = backed_up(living.data, target).generation
    backed_up(living.data, target)
    damage(path_of(target, first))
    pieces = target.sizes(PIECES_FOLDER)
    with pytest.raises(NovaError, match=rf"the backup {first} in .* is damaged.* Move the damaged"):
        backed_up(living.data, target, keep)
    assert pieces.items() <= target.sizes(PIECES_FOLDER).items()
    assert len(generation_names(target)) == 3


def test_a_target_of_which_nobody_knows_whose_it_is_gets_no_backup(
    living: LivingArchive, target: FolderTarget, tmp_path: Path, record: Make
) -> None:
    """Of another archive a backup with `--keep 1` removed the only backups of the first."""
    path = path_of(target, backed_up(living.data, target).generation)
    content = path.read_bytes()
    other = LivingArchive(tmp_path / "other", record)
    set_layout(path, 2)
    with pytest.raises(NovaError, match=f"has layout 2 .*{path.name}.* use the NOVA that made it"):
        backed_up(other.data, target, keep=1)
    path.write_bytes(content)
    damage(path)
    with pytest.raises(NovaError, match=f"no backup in .* can be read, .*another.*{path.name}"):
        backed_up(other.data, target, keep=1)
    path.write_bytes(content)
    with pytest.raises(NovaError, match="holds backups of archive"):
        backed_up(other.data, target, keep=1)
    other.close()
    restored(target, tmp_path / "back")
