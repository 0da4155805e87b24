"""What an archive stores is private, or readable for one group, also if it was the other before."""

from __future__ import annotations

import grp
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nova.sdk.errors import SettingsError
from nova.sdk.stored_files import restrict_umask

CODE = """
import sys
from pathlib import Path
from nova.sdk import durable, stored_files
root, group = Path(sys.argv[1]), sys.argv[2] or None
stored_files.restrict_umask(group)
stored_files.make_folder(root / "a" / "truth")
stored_files.protect_data_folder(root / "a")
(root / "a" / "truth" / "sub").mkdir(exist_ok=True)
(root / "a" / "truth" / "sub" / "by-umask").write_text("x")
durable.replace(root / "a" / "marker", b"x", durable.STORED_MODE)
durable.replace(root / "a" / "key", b"x")
stored_files.protect(root / "a" / "truth")
"""


def own_group() -> str:
    """A group that this user belongs to; of root one that it does not have by itself."""
    if os.getuid() == 0:
        return "games"
    return grp.getgrgid(os.getgid()).gr_name


def store(root: Path, group: str) -> dict[str, str]:
    """Modes and groups after a process has stored something."""
    subprocess.run([sys.executable, "-c", CODE, str(root), group], check=True, umask=0)
    found = {}
    for path in sorted((root / "a").rglob("*")):
        mode = path.stat()
        found[path.relative_to(root / "a").as_posix()] = f"{mode.st_mode & 0o7777:o} {mode.st_gid}"
    return found


def test_a_group_may_read_what_is_stored_and_no_longer_when_it_is_removed(tmp_path: Path) -> None:
    """Files that a library makes by the umask too; what is no archive stays private."""
    group = grp.getgrnam(own_group()).gr_gid
    (tmp_path / "a").mkdir(mode=0o755)
    modes = {name: text.split()[0] for name, text in store(tmp_path, "").items()}
    assert {m[-3:] for m in modes.values()} == {"700", "600"}
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o755
    shared = store(tmp_path, own_group())
    assert (tmp_path / "a").stat().st_mode & 0o7777 == 0o2750
    assert shared["truth"] == shared["truth/sub"] == f"2750 {group}"
    assert shared["truth/sub/by-umask"] == shared["marker"] == f"640 {group}"
    assert shared["key"].split()[0] == "600"
    modes = {name: text.split()[0] for name, text in store(tmp_path, "").items()}
    assert {m[-3:] for m in modes.values()} == {"700", "600"}
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700


def test_an_unknown_group_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"group: there is no group 'nobodys'.*groupadd"):
        restrict_umask("nobodys")


def test_a_group_of_others_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    monkeypatch.setattr(os, "getgroups", lambda: [])
    monkeypatch.setattr(os, "getegid", lambda: 12_345)
    with pytest.raises(SettingsError, match=r"no member of 'root'.*usermod"):
        restrict_umask("root")
