"""Files stay inside their folder, for any existing entries and requested names (pitfalls row
30).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from nova.core.files.file_folder import FileChangedError, FileFolder, remove_tree
from nova.core.files.file_layout import file_paths
from nova.sdk.drivers.driver import Driver, DriverFile
from nova.sdk.drivers.driver_stream import DriverStream
from nova.sdk.errors import DriverError


class Named(Driver):
    """A driver with a given file name."""

    driver_id = "named"

    def __init__(self, name: str) -> None:
        self._name = name

    def parts(self, stream: DriverStream) -> tuple[str, ...]:
        """That name."""
        return (self._name,)

    def write(self, events: Sequence[bytes], file: DriverFile) -> Sequence[bytes]:
        """Nothing."""
        return (b"",)


BAD = ["", ".", "..", "../x", "/x", "a/b", "a\\b", "a\0", "CON", "nul.txt", "x.", " ", "x ",
       "a" * 201, "\u202egnp.exe", "x:y", ".hidden", "x.events", "ä"]  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_driver_cannot_name_what_is_not_a_file_of_its_folder(name: str) -> None:
    """Refused with the driver's name, before anything is written."""
    with pytest.raises(DriverError, match="named@1"):
        file_paths(Named(name), DriverStream("s", "a", "b", "c", "raw", "raw"))


@pytest.mark.parametrize("token", ["..", "a/b", "a\0", "", "a" * 65, "x%2e"])
def test_no_id_leaves_its_folder(token: str) -> None:
    """Ids are checked at ingest; here once more."""
    with pytest.raises(DriverError, match="cannot be a folder name"):
        file_paths(Named("x"), DriverStream("s", "a", token, "c", "raw", "raw"))


def test_devices_are_folders_all_the_same() -> None:
    """And no other id has that folder."""
    paths = file_paths(Named("x.y"), DriverStream("s", "con", "LPT1", "c", "raw", "raw"))
    assert paths == ("s/con%/LPT1%/c/x.y",)


def test_a_symlink_is_never_followed(tmp_path: Path) -> None:
    """Neither as a folder nor as a file, for writing, cutting, replacing or reading."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(b"keep")
    root = tmp_path / "root"
    folder = FileFolder(root)
    (root / "link").symlink_to(outside)
    (root / "file").symlink_to(outside / "file")
    with pytest.raises(OSError):
        folder.append("link/new", 0, b"x")
    with pytest.raises(OSError):
        folder.append("file", 0, b"x")
    with pytest.raises(OSError):
        folder.truncate("file", 0)
    with pytest.raises(OSError):
        folder.read("link/file")
    with folder.replace_file("file") as out:
        out.write(b"new")
    assert not (root / "file").is_symlink()
    assert sorted(folder.paths()) == ["file", "link"]
    folder.remove("link")
    folder.close()
    (root / "link").symlink_to(outside)
    remove_tree(root / "link")
    remove_tree(root)
    assert (outside / "file").read_bytes() == b"keep"
    assert [path.name for path in outside.iterdir()] == ["file"]


def test_more_files_than_may_be_open(tmp_path: Path) -> None:
    """Those not used for longest are closed, and opened again."""
    folder = FileFolder(tmp_path, open_max_files=3)
    for turn in range(2):
        for number in range(10):
            folder.append(f"d/{number}", turn, b"x")
    folder.sync()
    folder.close()
    assert {path.read_bytes() for path in (tmp_path / "d").iterdir()} == {b"xx"}


@pytest.mark.parametrize("opened", [True, False])
@pytest.mark.parametrize("damage", ["cut", "removed", "longer"])
def test_nothing_is_written_behind_a_gap(tmp_path: Path, opened: bool, damage: str) -> None:
    """A file that somebody touched is refused, also where it was closed meanwhile."""
    folder, path = FileFolder(tmp_path, open_max_files=1), tmp_path / "d" / "file"
    folder.append("d/file", 0, b"four")
    folder.require_size("d/file", 4)
    if not opened:
        folder.append("d/other", 0, b"x")
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(b"fo" if damage == "cut" else b"four and more")
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(FileChangedError, match="had 4 bytes when last written"):
        folder.append("d/file", 4, b"more")
    with pytest.raises(FileChangedError, match="had 4 bytes when last written"):
        folder.require_size("d/file", 4)
    assert (path.read_bytes() if path.exists() else None) == before
    folder.close()
