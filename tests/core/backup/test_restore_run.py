"""A restore is whole and verified, or no archive."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec
import pytest

from nova.core.backup.folder_target import FolderTarget
from nova.core.backup.generation import read_generation, write_generation
from nova.core.backup.restore_run import restore
from nova.core.store.archive_identity import RESTORING_FOLDER, refuse_emptied
from nova.sdk.errors import NovaError
from tests.core.backup.backing_up import LivingArchive, Make, backed_up, contents, restored


class RestoreKilled(BaseException):
    """The end of a process."""


def test_a_restored_archive_is_private(
    living: LivingArchive, target: FolderTarget, tmp_path: Path
) -> None:
    backed_up(living.data, target)
    restored(target, tmp_path / "back")
    paths = [tmp_path / "back", *(tmp_path / "back").rglob("*"), *Path(str(target)).rglob("*")]
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in paths}
    assert modes == {(True, 0o700), (False, 0o600)}


def test_only_an_empty_folder_is_restored_into(
    living: LivingArchive, target: FolderTarget, tmp_path: Path
) -> None:
    backed_up(living.data, target)
    back = tmp_path / "back"
    (back / "lost+found").mkdir(parents=True)
    (back / "mine").write_text("kept")
    with pytest.raises(NovaError, match=r"is not empty, it has mine: restore to an empty folder"):
        restored(target, back)
    assert (back / "mine").read_text() == "kept"
    (back / "mine").unlink()
    restored(target, back)
    with pytest.raises(NovaError, match="is not empty"):
        restored(target, back)
    assert contents(back)[0] == living.events


def test_an_interrupted_restore_is_no_archive_and_can_be_repeated(
    living: LivingArchive, target: FolderTarget, tmp_path: Path
) -> None:
    """Until everything is verified, no writer begins a new archive there."""
    backed_up(living.data, target)
    back = tmp_path / "back"
    for last in ("files", "digests"):

        def die(what: str, done: int, total: int, last: str = last) -> None:
            if (what, done) == (last, total):
                raise RestoreKilled

        with pytest.raises(RestoreKilled):
            restore(target, back, die)
        assert not (back / "truth").exists()
        with pytest.raises(NovaError, match=r"a restore to .* was not finished"):
            refuse_emptied(back)
    restored(target, back)
    assert not (back / RESTORING_FOLDER).exists()
    refuse_emptied(back)
    living.close()
    assert contents(back) == contents(living.data)


def test_two_restores_into_one_folder_exclude_one_another(
    living: LivingArchive, target: FolderTarget, tmp_path: Path
) -> None:
    """The second removed what the first had written, and both failed with a missing file."""
    backed_up(living.data, target)
    living.close()
    back, refused = tmp_path / "back", 0

    def intrude(_what: str, _done: int, _total: int) -> None:
        nonlocal refused
        with pytest.raises(NovaError, match=r"another restore to .*back is running: wait until"):
            restored(target, back)
        refused += 1

    restore(target, back, intrude)
    assert refused > 1
    assert contents(back) == contents(living.data)
    assert not list(back.glob("restoring*"))


def test_other_events_than_were_backed_up_are_refused(
    living: LivingArchive, target: FolderTarget, tmp_path: Path
) -> None:
    """Files may be whole and yet be of another archive, or of another day of this one."""
    name = backed_up(living.data, target).generation
    generation = read_generation(target, name)
    other = [msgspec.structs.replace(day, digest="0" * 64) for day in generation.days]
    write_generation(target, msgspec.structs.replace(generation, days=other))
    with pytest.raises(NovaError, match=f"does not hold the events .* {other[0].day}"):
        restored(target, tmp_path / "back")


def test_a_file_outside_of_the_folder_is_refused(
    living: LivingArchive, target: FolderTarget, tmp_path: Path
) -> None:
    generation = read_generation(target, backed_up(living.data, target).generation)
    for name in ("../escaped", "/escaped", "truth/../../escaped", "run/escaped"):
        files = [msgspec.structs.replace(generation.files[0], name=name)]
        write_generation(target, msgspec.structs.replace(generation, files=files))
        with pytest.raises(NovaError, match="which no backup has"):
            restored(target, tmp_path / "back")
        assert not (tmp_path / "back").exists()


def test_what_is_not_there_is_said(target: FolderTarget, tmp_path: Path) -> None:
    with pytest.raises(NovaError, match="holds no backup"):
        restored(target, tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_a_restored_archive_is_backed_up_to_the_same_target(
    living: LivingArchive, target: FolderTarget, tmp_path: Path, record: Make
) -> None:
    """RocksDB uses the numbers of files again that the lost archive had used since the backup."""
    name = backed_up(living.data, target).generation
    living.grow(3)
    living.archive.flush()
    backed_up(living.data, target)
    living.close()
    restored(target, tmp_path / "back", name)
    again = LivingArchive(tmp_path / "back", record)
    again.events = 10_000
    again.grow(3)
    again.archive.flush()
    backed_up(again.data, target)
    again.close()
    restored(target, tmp_path / "second")
    assert contents(tmp_path / "second") == contents(again.data)
    assert contents(again.data)[1] != contents(living.data)[1]
