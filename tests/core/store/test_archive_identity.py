"""An archive has an id that its folder stores too; a difference shows that one was exchanged."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nova.core.errors import ArchiveError
from nova.core.store.archive import TRUTH_FOLDER, Archive
from nova.core.store.archive_identity import ensure_id, refuse_emptied
from nova.core.writer.committer import Committer
from nova.sdk import archive_id
from nova.sdk.archive_id import ID_FILE
from nova.sdk.transport.base import Batch, Record

Make = Callable[..., Record]


def identified(data: Path) -> str:
    """The id that a writer finds or gives, as it opens an archive."""
    refuse_emptied(data)
    archive = Archive.open_primary(data)
    try:
        return ensure_id(archive, data)
    finally:
        archive.close()


def test_an_archive_is_given_an_id_once(tmp_path: Path) -> None:
    """A new one and one from before there were ids alike."""
    given = identified(tmp_path)
    assert archive_id.read(tmp_path) == given == identified(tmp_path)
    assert identified(tmp_path / "another") != given


def test_the_id_goes_where_the_archive_goes(tmp_path: Path) -> None:
    """A copy of the truth alone is still that archive."""
    given = identified(tmp_path / "a")
    shutil.copytree(tmp_path / "a" / TRUTH_FOLDER, tmp_path / "b" / TRUTH_FOLDER)
    assert identified(tmp_path / "b") == given


def test_an_exchanged_archive_is_refused(tmp_path: Path) -> None:
    """The disk of another archive is mounted below this folder; taking the file away
    says that this is meant.
    """
    identified(tmp_path / "a")
    other = identified(tmp_path / "b")
    shutil.rmtree(tmp_path / "a" / TRUTH_FOLDER)
    shutil.copytree(tmp_path / "b" / TRUTH_FOLDER, tmp_path / "a" / TRUTH_FOLDER)
    with pytest.raises(ArchiveError, match=f"has the id {other}"):
        identified(tmp_path / "a")
    (tmp_path / "a" / ID_FILE).unlink()
    assert identified(tmp_path / "a") == other


def test_nothing_is_made_where_the_truth_was(tmp_path: Path) -> None:
    """The disk that is mounted at DATA/truth is away."""
    identified(tmp_path)
    shutil.rmtree(tmp_path / TRUTH_FOLDER)
    (tmp_path / TRUTH_FOLDER).mkdir()
    with pytest.raises(ArchiveError, match="is its disk mounted"):
        identified(tmp_path)
    assert list((tmp_path / TRUTH_FOLDER).iterdir()) == []


REMAINS = ["files/state.json", "samples/CURRENT", "checkpoints/CURRENT", "timebase"]


@pytest.mark.parametrize("name", REMAINS)
def test_remains_of_an_archive_are_not_built_upon(tmp_path: Path, name: str) -> None:
    """Truth, id and marker are gone, as on a disk that is not mounted, and a new archive began."""
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    with pytest.raises(ArchiveError, match=f"holds no archive, but {name} in"):
        identified(tmp_path)
    assert not (tmp_path / TRUTH_FOLDER).exists()
    path.unlink()
    identified(tmp_path)


def test_users_may_be_there_before_the_first_archive(tmp_path: Path) -> None:
    """`nova users add` on an empty machine."""
    (tmp_path / "edge").mkdir()
    (tmp_path / "edge" / "users.db").write_bytes(b"")
    assert identified(tmp_path)


def test_a_crash_right_after_the_first_events_is_no_damage(tmp_path: Path, record: Make) -> None:
    """A-299: the first marker is there before the first event, so the archive opens again."""
    archive = Archive.open_primary(tmp_path)
    committer = Committer(archive, tmp_path)
    ensure_id(archive, tmp_path)
    committer.add_batch("link", Batch([record(number) for number in range(3)]))
    committer.close_commit()
    archive.sync()
    archive.close()
    archive = Archive.open_primary(tmp_path)
    assert Committer(archive, tmp_path).counters.events == 3
    archive.close()
