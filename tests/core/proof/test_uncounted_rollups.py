"""Rollups that no writer has counted yet are a note of the check, and never silence."""

from __future__ import annotations

import tarfile
from pathlib import Path

import msgspec
import pytest

from nova.core.proof.verify_command import VerifySummary
from nova.core.store.archive import Archive
from nova.core.store.rollup import COMPLETE_KEY, ROLLUP_PREFIX
from nova.core.store.scan import scan
from nova.core.writer.committer import Committer
from tests.command_here import command_here
from tests.core.conftest import Make
from tests.core.derived.sealing import DAY_NS, HOUR_NS, SealedArchive

LAYOUTS = Path(__file__).parents[1] / "store" / "layouts"
NOTE = "the rollups are not checked"


def checked(data: Path) -> tuple[VerifySummary, str]:
    """The result for programs and for people; the exit status says the same."""
    arguments = ("verify", "--data", str(data), "--processes", "1")
    done = command_here(*arguments, "--json")
    found = msgspec.json.decode(done.stdout, type=VerifySummary)
    assert done.returncode == (1 if found.findings else 3 if found.notes else 0)
    return found, command_here(*arguments).stdout.decode()


def uncount(data: Path) -> None:
    """Remove a row of the rollups, and the record that all events are counted."""
    archive = Archive.open_primary(data)
    row = next(key for key, _ in scan(archive.families["catalog"], ROLLUP_PREFIX + b"s", b"s"))
    batch = archive.batch()
    for key in (COMPLETE_KEY, row):
        batch.raw.delete(key, batch._handles["catalog"])  # noqa: SLF001
    archive.write(batch)
    archive.sync()
    archive.close()


@pytest.mark.parametrize("layout", ["1", "2"])
def test_a_migrated_archive_is_whole_with_a_note(tmp_path: Path, layout: str) -> None:
    """Until a writer has opened it; then its rollups are checked."""
    with tarfile.open(LAYOUTS / f"layout{layout}.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    assert command_here("migrate", "--data", str(tmp_path)).returncode == 0
    found, told = checked(tmp_path)
    assert found.findings == [] and found.is_whole
    assert [note[: len(NOTE)] for note in found.notes] == [NOTE]
    note, outcome = told.splitlines()
    assert note.startswith(f"note: {NOTE}") and outcome.startswith("whole apart from the note: ")

    opened = Archive.open_primary(tmp_path)
    Committer(opened, tmp_path)
    opened.close()
    found, told = checked(tmp_path)
    assert (found.findings, found.notes) == ([], []) and told.startswith("whole: ")


async def test_the_note_does_not_hide_changes(tmp_path: Path, record: Make) -> None:
    """Counts that somebody declares incomplete are noted before the first seal, and are a finding
    after it.
    """
    made = SealedArchive(tmp_path)
    made.put(DAY_NS, [record(number, lane="raw") for number in range(12)])
    made.close()
    uncount(tmp_path)
    found, told = checked(tmp_path)
    assert found.findings == [] and len(found.notes) == 1 and NOTE in told

    again = SealedArchive(tmp_path)
    again.clock.ns = DAY_NS + 30 * HOUR_NS
    await again.seal_all()
    again.close()
    uncount(tmp_path)
    found, told = checked(tmp_path)
    assert [one.kind for one in found.findings] == ["missing"] and "NOT WHOLE" in told
