"""A folder of backups touches nothing in it that is not its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.core.backup.folder_target import FolderTarget
from nova.core.backup.generation import GENERATIONS_FOLDER
from nova.core.backup.piece_store import PIECES_FOLDER
from nova.sdk.durable import NEW_SUFFIX
from nova.sdk.errors import NovaError
from tests.core.backup.backing_up import LivingArchive, backed_up

OTHERS = (
    "report.new",
    "project/draft.new",
    f"{PIECES_FOLDER}/mine.new",
    f"{PIECES_FOLDER}/ab/abc.jpg",
    f"{GENERATIONS_FOLDER}/notes.json.new",
)


def place(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("kept")


def files(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_a_folder_of_something_else_is_refused(living: LivingArchive, tmp_path: Path) -> None:
    home = tmp_path / "home"
    place(home, *OTHERS)
    fault = r"home has project, report\.new and is no target of backups: choose an empty or new"
    with pytest.raises(NovaError, match=fault):
        backed_up(living.data, FolderTarget(home))
    assert files(home) == set(OTHERS)


def test_what_others_put_into_a_target_stays(living: LivingArchive, target: FolderTarget) -> None:
    """What killed backups have left goes, and only that; pruning removes no other file either."""
    root = Path(str(target))
    (root / "lost+found").mkdir(parents=True)
    first = backed_up(living.data, target).generation
    piece = "ab" * 32
    left = (f"{PIECES_FOLDER}/ab/{piece}{NEW_SUFFIX}", f"{GENERATIONS_FOLDER}/{first}.json.new")
    place(root, *OTHERS, *left)
    backed_up(living.data, target, keep=1)
    assert set(OTHERS) <= files(root)
    assert not set(left) & files(root)
