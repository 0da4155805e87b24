"""No false alarm: archives of every kind of event, killed and recovered ones, and growing ones."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from nova.core.proof.verification import InProcess, Verification
from nova.core.store.seal_reader import sealed_days
from nova.core.store.secondary import open_secondary_archive
from nova.core.utc_day import NS_PER_DAY
from nova.sdk.manifests import manifest_files
from tests.core.conftest import START_NS, Make
from tests.core.derived.sealing import DAY_NS, SealedArchive
from tests.core.proof.checking_archives import MEMORY_BYTES, verified
from tests.core.writer.corpus import Corpus

MANIFESTS = [file.manifest for file in manifest_files.load(None)]
DYING = Path(__file__).with_name("dying_writer.py")


async def test_an_archive_of_every_kind_of_event_is_whole(tmp_path: Path) -> None:
    """With duplicates, rejects, commands and times at the ends of the range; in pieces of every
    size, and day by day.
    """
    made, corpus = SealedArchive(tmp_path), Corpus(19, MANIFESTS, DAY_NS)
    for day in range(3):
        batch = [corpus.record() for _ in range(150)]
        made.put(DAY_NS + day * NS_PER_DAY, [*batch, *batch[:20]])
    await made.seal_all()
    made.close()
    for piece_events in (1, 50, 100_000):
        report = verified(tmp_path, piece_events=piece_events)
        assert report.findings == [] and report.sealed_days == 2 and report.events > 200
    for name in ("2026-01-01", "2026-01-03", "2026-02-01"):
        assert verified(tmp_path, day=name).findings == []


def test_an_empty_archive_is_whole(tmp_path: Path) -> None:
    made = SealedArchive(tmp_path)
    made.close()
    report = verified(tmp_path)
    assert (report.findings, report.events, report.days) == ([], 0, 0)


@pytest.mark.parametrize("commits", [1, 14])
async def test_a_killed_and_recovered_archive_is_whole(data: Path, commits: int) -> None:
    """Before its writer starts again, after that, and after the sealer has sealed its days."""
    killed = subprocess.run([sys.executable, DYING, data, str(commits)], check=False)
    assert killed.returncode == -9
    assert verified(data).findings == []
    again = SealedArchive(data)
    again.clock.ns = DAY_NS + 9 * NS_PER_DAY
    await again.seal_all()
    assert len(sealed_days(again.archive)) == (commits + 3) // 4
    again.close()
    assert verified(data).findings == []


def test_an_archive_that_grows_meanwhile_is_whole(tmp_path: Path, record: Make) -> None:
    """Its snapshot does not move; another process' may be newer, and what is newer is left out."""
    made = SealedArchive(tmp_path)
    made.put(START_NS, [record(number) for number in range(40)])
    with (
        tempfile.TemporaryDirectory() as first,
        tempfile.TemporaryDirectory() as second,
        open_secondary_archive(tmp_path, Path(first), MEMORY_BYTES) as older,
    ):
        for number in range(40, 90):
            made.put(START_NS + number, [record(number % 60, unit=f"v{number % 3}")])
        with open_secondary_archive(tmp_path, Path(second), MEMORY_BYTES) as newer:
            for mine, theirs in ((older, newer), (newer, older)):
                report = Verification(mine, InProcess(theirs), piece_events=7).whole()
                assert report.findings == []
                assert report.events == older.record.counters().events
    made.close()
