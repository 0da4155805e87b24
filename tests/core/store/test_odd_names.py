"""Names in an archive's folders that RocksDB does not make are ignored, or refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nova.core.errors import DerivedDamagedError
from nova.core.store.archive import TRUTH_FOLDER, Archive
from nova.core.store.archive_identity import ensure_id, refuse_emptied
from nova.core.store.durability_marker import write_marker
from nova.core.store.rebuild_request import discard, raise_if_requested, rebuild_request_file
from nova.core.store.sample_store import SAMPLES_FOLDER, SampleStore
from nova.core.writer.committer import Committer
from nova.sdk.errors import NovaError
from nova.sdk.transport.base import Batch, Record


def opened(data: Path) -> int:
    """The events that an archive holds, opened as its writer and as a reader would."""
    refuse_emptied(data)
    archive = Archive.open_primary(data)
    try:
        ensure_id(archive, data)
    finally:
        archive.close()
    view = Archive.open_secondary(data, data / "scratch")
    try:
        return view.holdings().events
    finally:
        view.close()


@pytest.fixture
def data(tmp_path: Path, record: Callable[..., Record]) -> Path:
    """An archive of three events."""
    archive = Archive.open_primary(tmp_path)
    committer = Committer(archive, tmp_path)
    committer.add_batch("link", Batch([record(n) for n in range(3)]))
    committer.close_commit()
    write_marker(tmp_path, committer.marker())
    archive.close()
    return tmp_path


@pytest.mark.parametrize("name", ["a.log", "000010 (copy).log", "MANIFEST-x", "9.sst.old"])
def test_a_name_that_rocksdb_ignores_is_ignored(data: Path, name: str) -> None:
    """`int()` of it ended every process."""
    (data / TRUTH_FOLDER / name).write_bytes(b"x")
    assert opened(data) == 3
    assert (data / TRUTH_FOLDER / name).exists()


@pytest.mark.parametrize(
    "name", ["truth/000900.log", "truth/LOCK", "truth/CURRENT", "witness.json", "archive.id"]
)
def test_a_folder_in_place_of_a_file_is_refused_in_one_line(data: Path, name: str) -> None:
    """With the name, and what to do."""
    path = data / name
    path.unlink(missing_ok=True)
    path.mkdir()
    with pytest.raises(NovaError, match=f"{path.name} is a folder, .* move it away"):
        opened(data)
    assert path.is_dir()


@pytest.mark.parametrize("is_link", [False, True])
def test_samples_that_are_no_folder_are_refused_in_one_line(data: Path, is_link: bool) -> None:
    """A plain file, or a link to a disk that is not mounted."""
    path = data / SAMPLES_FOLDER
    if is_link:
        path.symlink_to(data / "nowhere")
    else:
        path.write_bytes(b"x")
    with pytest.raises(NovaError, match="NOVA keeps a folder there: move it away"):
        SampleStore.open_primary(data)


def test_samples_behind_a_link_are_thrown_away_there(tmp_path: Path) -> None:
    """The link stays: it leads to another disk."""
    data, disk = tmp_path / "data", tmp_path / "disk"
    data.mkdir()
    disk.mkdir()
    (data / SAMPLES_FOLDER).symlink_to(disk)
    SampleStore.open_primary(data).close()
    assert list(disk.iterdir())
    discard(data, SAMPLES_FOLDER, "damaged")
    assert list(disk.iterdir()) == []
    SampleStore.open_primary(data).close()
    assert list(disk.iterdir())


def test_a_rebuild_request_that_is_a_folder_is_one(tmp_path: Path) -> None:
    """And is fulfilled once."""
    rebuild_request_file(tmp_path, SAMPLES_FOLDER).mkdir()
    with pytest.raises(DerivedDamagedError, match="is a folder"):
        raise_if_requested(tmp_path, SAMPLES_FOLDER)
    discard(tmp_path, SAMPLES_FOLDER, "")
    raise_if_requested(tmp_path, SAMPLES_FOLDER)
