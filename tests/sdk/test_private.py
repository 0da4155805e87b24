"""Files are closed to other users, and folders that another user may have made are not trusted."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nova.sdk import private
from nova.sdk.errors import NovaError


def modes(root: Path) -> dict[str, int]:
    """The modes of all below a folder, and its own, symlinks left out."""
    found = [root, *root.rglob("*")]
    return {
        path.relative_to(root).as_posix(): path.stat().st_mode & 0o777
        for path in found
        if not path.is_symlink()
    }


def open_tree(root: Path) -> Path:
    """A folder, files and a symlink out of it, as a loose umask makes them."""
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "file").write_text("x")
    (root / "script").write_text("x")
    (root / "script").chmod(0o755)
    for path in (root, root / "a", root / "a" / "b"):
        path.chmod(0o775)
    (root / "a" / "b" / "file").chmod(0o664)
    outside = root.parent / "outside"
    outside.write_text("x")
    outside.chmod(0o644)
    (root / "link").symlink_to(outside)
    return outside


def test_all_in_a_folder_is_closed_to_others_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing beyond a symlink is touched, and the second time is silent."""
    root = tmp_path / "root"
    outside = open_tree(root)
    with caplog.at_level(logging.WARNING):
        private.remove_others_access(root)
    assert set(modes(root).values()) == {0o700, 0o600}
    assert outside.stat().st_mode & 0o777 == 0o644
    assert len(caplog.records) == 1 and "other users" in caplog.text
    private.remove_others_access(root, root / "not there")
    assert len(caplog.records) == 1


def test_without_deep_only_what_is_named_is_closed(tmp_path: Path) -> None:
    """The key beside the users is not: who could read it may have it, so it is refused."""
    root = tmp_path / "root"
    open_tree(root)
    private.remove_others_access(root, deep=False)
    found = modes(root)
    assert found["."] == 0o700 and found["a"] == 0o775


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_folders_are_their_owners_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    """Those above too, as far as they were not there."""
    before = os.umask(umask)
    try:
        private.make_folder(tmp_path / "a" / "b")
        private.make_folder(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_a_process_that_keeps_data_makes_nothing_that_others_may_read(tmp_path: Path) -> None:
    """RocksDB and SQLite take the umask."""
    path = tmp_path / "file"
    code = f"from nova.sdk import private; private.restrict_umask(); open({str(path)!r}, 'w')"
    subprocess.run([sys.executable, "-c", code], check=True, umask=0)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_others_may_have_made_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By mode, kind, symlink and owner; one that is not there is no fault."""
    own = tmp_path / "own"
    private.check_folder(own)
    own.mkdir(mode=0o700)
    private.check_folder(own)
    assert private.is_own(own) and not private.is_own(tmp_path / "nowhere")
    for path, fault in ((tmp_path / "open", "mode 07"), (tmp_path / "file", "not a folder")):
        path.touch() if "file" in path.name else path.mkdir()
        path.chmod(0o755)
        with pytest.raises(NovaError, match=f"{fault}.*XDG_RUNTIME_DIR"):
            private.check_folder(path)
    link = tmp_path / "link"
    link.symlink_to(own)
    with pytest.raises(NovaError, match="is a symlink"):
        private.check_folder(link)
    monkeypatch.setattr(os, "getuid", lambda: own.stat().st_uid + 1)
    with pytest.raises(NovaError, match="belongs to user"):
        private.check_folder(own)
