"""A fault that is found while the MANIFEST changes is checked again."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.core.errors import ArchiveBusyError, ArchiveDamagedError
from nova.core.store.attempts import ATTEMPTS, until_settled
from nova.core.store.live_files import CURRENT_FILE

MANIFEST = "MANIFEST-000001"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a MANIFEST."""
    (tmp_path / CURRENT_FILE).write_text(MANIFEST + "\n")
    (tmp_path / MANIFEST).write_bytes(b"edit")
    return tmp_path


class Looks:
    """A look that finds a fault so often, and whether the MANIFEST moves on in each."""

    def __init__(self, folder: Path, faults: int, *, moves: bool) -> None:
        self._folder, self._faults, self._moves = folder, faults, moves
        self.count = 0

    def __call__(self) -> None:
        self.count += 1
        if self._moves:
            with (self._folder / MANIFEST).open("ab") as file:
                file.write(b"edit")
        if self.count <= self._faults:
            raise ArchiveDamagedError("000009.sst is missing")


def test_a_fault_under_a_moving_manifest_is_no_damage(folder: Path) -> None:
    """Five looks were too few where the writer flushed in each of them."""
    look = Looks(folder, 4 * ATTEMPTS, moves=True)
    until_settled(folder, look)
    assert look.count == 4 * ATTEMPTS + 1


def test_a_fault_under_an_unchanged_manifest_is_damage(folder: Path) -> None:
    """After the looks that a log may need to be removed in."""
    look = Looks(folder, 1000, moves=False)
    with pytest.raises(ArchiveDamagedError, match=r"000009\.sst is missing"):
        until_settled(folder, look)
    assert look.count == ATTEMPTS


def test_a_manifest_that_never_rests_is_not_waited_for_without_end(folder: Path) -> None:
    """And even then nothing is said to be damaged."""
    with pytest.raises(ArchiveBusyError, match=r"Try again when the machine is less busy$"):
        until_settled(folder, Looks(folder, 1000, moves=True), moving_max_s=0.2)


@pytest.mark.parametrize("content", [bytes(16), b"", b"\xff\xfe", b"../elsewhere"])
def test_a_fault_is_told_where_current_names_no_manifest(folder: Path, content: bytes) -> None:
    """Zeros in it, as a fault of the disk leaves them, ended the reader with a ValueError."""
    (folder / CURRENT_FILE).write_bytes(content)
    look = Looks(folder, 1000, moves=False)
    with pytest.raises(ArchiveDamagedError, match=r"000009\.sst is missing"):
        until_settled(folder, look)
    assert look.count == ATTEMPTS
