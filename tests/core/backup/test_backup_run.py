"""A backup is whole or none, shares what has not changed, and leaves the earlier ones alone."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from nova.core.backup.backup_run import BackupRequest, make_backup
from nova.core.backup.folder_target import FolderTarget
from nova.core.backup.generation import generation_names, read_generation
from nova.core.backup.piece_store import PIECES_FOLDER
from nova.sdk import durable
from nova.sdk.errors import NovaError
from tests.core.backup.backing_up import (
    LivingArchive,
    Make,
    backed_up,
    contents,
    restored,
    sound,
    unheard,
)


class Killed(BaseException):
    """The end of a process."""


class MortalTarget(FolderTarget):
    """A folder whose user dies at one of its changes."""

    def __init__(self, root: Path, lives: int) -> None:
        super().__init__(root)
        self.lives = lives

    def write(self, name: str, content: bytes) -> None:
        self._live()
        super().write(name, content)

    def remove(self, name: str) -> None:
        self._live()
        super().remove(name)

    def _live(self) -> None:
        self.lives -= 1
        if self.lives < 0:
            raise Killed


def test_what_has_not_changed_is_not_copied_again(
    living: LivingArchive, target: FolderTarget, tmp_path: Path
) -> None:
    """A-299: a second backup of a grown archive copies little, and both restore what there was."""
    living.grow(40)
    living.archive.flush()
    first = backed_up(living.data, target)
    living.grow()
    living.archive.flush()
    second = backed_up(living.data, target)
    assert first.copied_bytes == first.bytes
    assert 0 < second.copied_bytes <= first.bytes / 10
    assert (first.events, second.events) == (6_000, 6_100)
    restored(target, tmp_path / "earlier", first.generation)
    restored(target, tmp_path / "later")
    living.close()
    assert contents(tmp_path / "earlier")[::2] == (6_000, {"s": 6_000})
    assert contents(tmp_path / "later") == contents(living.data)


def test_a_log_that_has_grown_shares_its_beginning(
    living: LivingArchive, target: FolderTarget, tmp_path: Path
) -> None:
    """Without a flush the new events are in the log alone."""
    living.grow(20)
    backed_up(living.data, target)
    living.grow()
    again = backed_up(living.data, target)
    log = next(
        file for file in read_generation(target, again.generation).files if ".log" in file.name
    )
    assert len(log.pieces) > 4
    assert again.copied_bytes < log.size / 2
    restored(target, tmp_path / "back")
    living.close()
    assert contents(tmp_path / "back") == contents(living.data)


def test_a_backup_that_dies_anywhere_costs_nothing(
    living: LivingArchive, target: FolderTarget, tmp_path: Path
) -> None:
    """Whatever the change at which it dies: the earlier backups are whole, it is none itself until
    its generation is there, and the next one works.
    """
    first = backed_up(living.data, target).generation
    seen = set()
    for lives in range(1_000):
        living.grow()
        mortal = MortalTarget(Path(str(target)), lives)
        before = generation_names(target)
        try:
            backed_up(living.data, mortal, keep=2)
        except Killed:
            after = sound(target)
            seen.add(len(set(after) - set(before)))
            continue
        break
    assert seen == {0, 1}
    assert lives > 4
    assert first not in sound(target)
    restored(target, tmp_path / "back")
    living.close()
    assert contents(tmp_path / "back") == contents(living.data)


def test_two_backups_exclude_one_another(living: LivingArchive, target: FolderTarget) -> None:
    with target.lock(), pytest.raises(NovaError, match=r"another backup to .* is running"):
        backed_up(living.data, FolderTarget(Path(str(target))))
    backed_up(living.data, target)


def test_a_full_disk_is_one_clear_error(
    living: LivingArchive, target: FolderTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the failed backup has written goes, so that it does not leave the disk full."""
    backed_up(living.data, target)
    before = target.sizes(PIECES_FOLDER)
    living.grow(20)
    replace, room = durable.replace, 3

    def fill(path: Path, content: bytes, mode: int = 0o600) -> None:
        nonlocal room
        if path.is_relative_to(str(target)):
            room -= 1
            if room < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(path, content, mode)

    with monkeypatch.context() as patch:
        patch.setattr(durable, "replace", fill)
        with pytest.raises(NovaError, match="No space left on device; free space there") as raised:
            backed_up(living.data, target)
    assert "\n" not in str(raised.value)
    assert target.sizes(PIECES_FOLDER) == before
    assert len(sound(target)) == 1


def test_a_damaged_piece_is_found_and_written_again(
    living: LivingArchive, target: FolderTarget, tmp_path: Path
) -> None:
    """An ordinary backup trusts what earlier ones have written, `verify_all` does not."""
    backed_up(living.data, target)
    piece = max((Path(str(target)) / PIECES_FOLDER).rglob("?" * 64), key=lambda p: p.stat().st_size)
    content = bytearray(piece.read_bytes())
    content[len(content) // 2] ^= 1
    piece.write_bytes(content)
    with pytest.raises(NovaError, match=f"{piece.name} in .* is damaged"):
        restored(target, tmp_path / "damaged")
    request = BackupRequest(living.data, verify_all=True)
    assert make_backup(request, target, unheard).repaired_pieces == 1
    restored(target, tmp_path / "back")
    living.close()
    assert contents(tmp_path / "back") == contents(living.data)


def test_a_target_belongs_to_one_archive(
    living: LivingArchive, target: FolderTarget, tmp_path: Path, record: Make
) -> None:
    backed_up(living.data, target)
    other = LivingArchive(tmp_path / "other", record)
    with pytest.raises(NovaError, match=r"holds backups of archive .* and this is archive"):
        backed_up(other.data, target)
    other.close()


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        ("data/truth", "is inside the data folder"),
        ("data/elsewhere", "is inside the data folder"),
        ("data", "is inside the data folder"),
        ("link", "is inside the data folder"),
        (".", "holds the data folder"),
    ],
)
def test_a_target_in_around_or_at_the_archive_is_refused(
    living: LivingArchive, tmp_path: Path, place: str, fault: str
) -> None:
    (tmp_path / "link").symlink_to(living.data)
    before = sorted(living.data.rglob("*"))
    with pytest.raises(NovaError, match=fault):
        backed_up(living.data, FolderTarget(tmp_path / place))
    assert sorted(living.data.rglob("*")) == before


def test_a_target_that_cannot_be_made_is_said(living: LivingArchive) -> None:
    with pytest.raises(NovaError, match=r"^cannot write /proc/none.*; check the disk and who may"):
        backed_up(living.data, FolderTarget(Path("/proc/none/target")))


def test_a_folder_without_an_archive_is_refused(target: FolderTarget, tmp_path: Path) -> None:
    with pytest.raises(NovaError, match="contains no archive"):
        backed_up(tmp_path / "nothing", target)
