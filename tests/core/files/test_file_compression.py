"""Files of days that are over are compressed, whatever ends the process meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard

from nova.core.files import daily_files
from nova.core.files.day_rebuild import rebuild_day_files
from nova.core.files.file_folder import FileFolder
from tests.core.filing import DAYS, PREFERENCES, Filed, filed, tree

SUFFIX = ".zst"
STEPS = ("compress", "remove", "sync")


class KilledError(Exception):
    """The process ends here."""


def written(archive: Filed, *, compresses: bool) -> dict[str, bytes]:
    """The files of the first two days, which are over."""
    shutil.rmtree(archive.root, ignore_errors=True)
    follow(archive, compresses=compresses)
    return days(archive)


def follow(archive: Filed, *, compresses: bool = True) -> None:
    files = archive.daily(compresses=compresses)
    list(files.follow(archive.committer.last_ns))
    files.save()
    files.close()


def days(archive: Filed) -> dict[str, bytes]:
    return {path: data for path, data in tree(archive.root).items() if path.startswith(DAYS)}


def plain(found: dict[str, bytes]) -> dict[str, bytes]:
    """What the files were before; every file is there once."""
    packed = {path: data for path, data in found.items() if path.endswith(SUFFIX)}
    opened = {
        path.removesuffix(SUFFIX): zstandard.ZstdDecompressor().decompress(data)
        for path, data in packed.items()
    }
    rest = {path: data for path, data in found.items() if path not in packed}
    assert not opened.keys() & rest.keys()
    return opened | rest


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Filed]:
    """An archive of two whole days, whose raw frames are in two files."""
    with filed(tmp_path, PREFERENCES["rawBinary"], events=120) as archive:
        yield archive


@pytest.mark.parametrize("driver", ["rawBinary", "csv", "parquet", "mcap"])
def test_a_day_that_is_over_is_what_it_was(driver: str, tmp_path: Path) -> None:
    """The present day is not compressed, and formats that compress themselves are left."""
    with filed(tmp_path, PREFERENCES[driver], events=120) as archive:
        without = written(archive, compresses=False)
        compressed = written(archive, compresses=True)
        assert plain(compressed) == without
        is_own = {path for path in without if path.endswith((".parquet", ".mcap"))}
        assert {path for path in compressed if not path.endswith(SUFFIX)} == is_own
        assert not [path for path in tree(archive.root) if path.endswith(SUFFIX + ".new")]
        today = set(tree(archive.root)) - set(compressed) - {"state.json"}
        assert today and not [path for path in today if path.endswith(SUFFIX)]


def test_a_rebuilt_day_has_the_same_bytes(archive: Filed) -> None:
    compressed = written(archive, compresses=True)
    for day in DAYS:
        rebuild_day_files(
            *(archive.view, archive.registry, archive.root, day, lambda _: None), compresses=True
        )
    assert days(archive) == compressed


def test_days_from_before_stay_as_they_are(archive: Filed) -> None:
    """Whoever begins or ends to compress changes the days that are over from then on."""
    files = archive.daily()
    for _ in files.follow(archive.committer.last_ns):
        if files.state.day == DAYS[1]:
            break
    files.save()
    files.close()
    before = {path: data for path, data in days(archive).items() if path.startswith(DAYS[0])}
    follow(archive, compresses=True)
    after = days(archive)
    assert {path: data for path, data in after.items() if path.startswith(DAYS[0])} == before
    assert {path.endswith(SUFFIX) for path in after if path.startswith(DAYS[1])} == {True}
    assert plain(after) == written(archive, compresses=False)


def killed(monkeypatch: pytest.MonkeyPatch, step: str, at: int, when: str) -> None:
    """End the process before or after the n-th call of a step from now on."""
    calls = 0
    original: Callable[..., object] = getattr(FileFolder, step)

    def ending(folder: FileFolder, *given: object) -> object:
        nonlocal calls
        calls += 1
        if calls == at and when == "before":
            raise KilledError
        found = original(folder, *given)
        if calls == at:
            raise KilledError
        return found

    monkeypatch.setattr(FileFolder, step, ending)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_process_that_is_killed_leaves_what_another_completes(
    step: str, when: str, archive: Filed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each file that is compressed and removed, and before and after it is durable; nothing is
    written anew, and the next process may compress or not.
    """
    whole = written(archive, compresses=True)
    ends = 0
    for at in range(1, 40):
        shutil.rmtree(archive.root)
        with monkeypatch.context() as patched, suppress(KilledError):
            killed(patched, step, at, when)
            follow(archive)
            break
        ends += 1
        follow(archive, compresses=at % 3 > 0)
        found = days(archive)
        assert plain(found) == plain(whole)
        assert at % 3 == 0 or found == whole
        assert not list(archive.root.glob("replaced-*"))
    assert ends > 3


def test_a_state_that_could_not_be_written_is_no_loss(
    archive: Filed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a day whose files are all compressed and removed."""
    whole = written(archive, compresses=True)
    shutil.rmtree(archive.root)
    files = archive.daily(compresses=True)
    with monkeypatch.context() as patched, pytest.raises(KilledError):
        for _ in files.follow(archive.committer.last_ns):
            if files.state.is_closing:
                patched.setattr(daily_files, "write_state", _kill)
    follow(archive)
    assert days(archive) == whole


def _kill(*_: object) -> None:
    raise KilledError
