"""Archives of all layouts, each written by the NOVA of its time, are migrated to today's."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from rocksdict import Options, Rdict

from nova.core.errors import ArchiveDamagedError, ArchiveError
from nova.core.migrate_command import migrate_command
from nova.core.store import migration
from nova.core.store.archive import Archive
from nova.core.store.catalog import (
    COUNTERS_KEY,
    FORMER_LAYOUTS,
    LAST_CANONICAL_KEY,
    SCHEMA_KEY,
    SCHEMA_VERSION,
)
from nova.core.store.checkpoint_store import CheckpointStore
from nova.core.store.derived_database import DerivedState
from nova.core.store.durability_marker import read_marker, write_marker
from nova.core.store.former_layout import FormerArchive
from nova.core.store.keys import FAMILIES
from nova.core.store.sample_store import SampleStore
from nova.core.writer.committer import Committer
from nova.sdk.transport.base import Batch, Record
from nova.sdk.users_layout import USERS_LAYOUT
from tests.core.answering import Answerer

LAYOUTS = Path(__file__).parent / "layouts"
FORMER = [layout.decode() for layout in FORMER_LAYOUTS]
EVENTS, REJECTS, DUPLICATES = 240, 2, 8
CANONICAL = "621c8e3a8d490d4d2a6f1fc629319888b7276286f27b12911d961557b9b81a7c"
SOURCE = "cb8ac2046ce9ec44b81c0d56e080ae37a1ebb1e5963f97036e61128cc361f196"
"""The digests of these events; every layout has them in the same orders."""


def unpacked(layout: str, data: Path) -> Path:
    """A copy of the archive that is kept of a layout."""
    with tarfile.open(LAYOUTS / f"layout{layout}.tar.xz") as archive:
        archive.extractall(data, filter="data")
    return data


def migrated(data: Path) -> dict[str, object]:
    """The report of `nova migrate --json`."""
    result = CliRunner().invoke(migrate_command, ["--data", str(data), "--json"])
    assert result.exit_code == 0, result.output
    report: dict[str, object] = json.loads(result.stdout)
    return report


def envelopes(data: Path) -> list[bytes]:
    """The stored envelopes of an archive of a former layout, in canonical order."""
    archive = FormerArchive(data / "truth")
    try:
        return [stored for block in archive.blocks() for stored in block.stored]
    finally:
        archive.close()


def answers(data: Path, folder: Path) -> dict[str, str]:
    """What every kind of reader answers."""
    with ExitStack() as stack:
        asked = Answerer(stack, data, folder)
        return {kind: ask() for kind, ask in asked.kinds().items()}


@contextmanager
def written(data: Path) -> Iterator[Committer]:
    """An archive opened by its writer, which counts its rollups."""
    archive = Archive.open_primary(data)
    try:
        yield Committer(archive, data)
    finally:
        archive.close()


def test_an_archive_of_each_layout_is_kept() -> None:
    """Whoever changes the layout adds one."""
    kept = {path.name.split(".")[0].removeprefix("layout") for path in LAYOUTS.iterdir()}
    assert kept == {*FORMER, SCHEMA_VERSION.decode()}
    assert all(path.stat().st_size < 100_000 for path in LAYOUTS.iterdir())


def test_every_former_layout_is_brought_to_todays(tmp_path: Path) -> None:
    """Same events, same bytes, same orders, same answers of every reader; and what the catalog held
    is still known.
    """
    found = []
    for layout in FORMER:
        data = unpacked(layout, tmp_path / layout)
        before = envelopes(data)
        assert len(before) == EVENTS
        for opening in (Archive.open_primary, lambda at: Archive.open_secondary(at, at / "s")):
            with pytest.raises(ArchiveError, match=f"has layout {layout}.*nova migrate --data"):
                opening(data)
        report = migrated(data)
        assert (report["migrated"], report["layout"], report["events"]) == (True, layout, EVENTS)
        assert (report["canonicalDigest"], report["sourceDigest"]) == (CANONICAL, SOURCE)
        assert envelopes_of_today(data) == before
        with written(data) as committer:
            counters = committer.counters
            assert (counters.events, counters.rejects) == (EVENTS, REJECTS)
            assert counters.duplicates == DUPLICATES
            assert committer.load_positions("link") == {"s": 240}
            assert committer.archive.record.request("sat", "r3") is not None
            again = [Record(None, without_stamp(stored)) for stored in before[:30]]
            receipt, _ = committer.add_batch("link", Batch(again))
            assert (receipt.new, receipt.duplicate) == (0, len(again))
        found.append(answers(data, tmp_path / f"answers{layout}"))
        assert migrated(data)["migrated"] is False
    assert found[0] == found[1]
    assert found[0]["query source"].split()[0] == str(EVENTS)


def envelopes_of_today(data: Path) -> list[bytes]:
    archive = Archive.open_primary(data)
    try:
        return [stored for _, stored in archive.events.scan("canonical")]
    finally:
        archive.close()


def without_stamp(stored: bytes) -> bytes:
    """The envelope as its producer sent it."""
    members = msgspec.json.decode(stored)
    del members["eventId"], members["canonicalTruthTime"]
    return msgspec.json.encode(members)


def test_an_archive_of_todays_layout_is_left_alone(tmp_path: Path) -> None:
    data = unpacked("3", tmp_path)
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*.sst")}
    report = migrated(data)
    assert (report["needed"], report["events"]) == (False, EVENTS)
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*.sst")} == before
    assert len(envelopes_of_today(data)) == EVENTS


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    """No file is made, changed or touched, on a disk that cannot be written either."""
    data = unpacked("1", tmp_path / "data")
    SampleStore.open_primary(data).close()
    before = contents(data)
    result = CliRunner().invoke(migrate_command, ["--data", str(data), "--dry-run"])
    assert result.exit_code == 0 and "would be written in layout 3" in result.stdout
    assert contents(data) == before
    with held(data):
        result = CliRunner().invoke(migrate_command, ["--data", str(data), "--dry-run"])
        assert result.exit_code == 1 and "NOVA runs on" in str(result.exception)
    with pytest.raises(ArchiveError, match="nova migrate"):
        Archive.open_primary(data)


def contents(folder: Path) -> dict[Path, tuple[int, bytes]]:
    """All files of a folder with their times of change."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@pytest.mark.parametrize("key", [COUNTERS_KEY, LAST_CANONICAL_KEY])
def test_a_damaged_record_of_a_former_archive_is_named(tmp_path: Path, key: bytes) -> None:
    data = unpacked("2", tmp_path)
    options = {name: Options(raw_mode=True) for name in FAMILIES}
    database = Rdict(str(data / "truth"), Options(raw_mode=True), options)
    database.get_column_family("catalog")[key] = b"\xc1"
    database.close()
    with pytest.raises(ArchiveDamagedError, match=f"catalog {key.decode()} cannot be read"):
        migration.plan(data)


def test_what_is_beside_the_archive_is_listed(tmp_path: Path) -> None:
    """With what happens to it, which the command leaves to NOVA's start."""
    data = unpacked("2", tmp_path)
    for store, layout in ((SampleStore, SampleStore.LAYOUT - 1), (CheckpointStore, 1)):
        made = store.open_primary(data)
        made.write([made.state_row(DerivedState(layout, b"", 0))])
        made.close()
    users = data / "edge" / "users.db"
    users.parent.mkdir()
    with closing(sqlite3.connect(users)) as db:
        db.execute("PRAGMA user_version = 3")
    result = CliRunner().invoke(migrate_command, ["--data", str(data), "--dry-run", "--json"])
    assert result.exit_code == 0, result.output
    parts = {part["path"]: part for part in json.loads(result.stdout)["parts"]}
    assert set(parts) == {"samples", "checkpoints", "edge/users.db"}
    assert [parts[name]["layout"] for name in sorted(parts)] == [1, 3, SampleStore.LAYOUT - 1]
    assert "made anew" in parts["samples"]["action"], "of another layout"
    assert "made anew" in parts["checkpoints"]["action"], "of an archive that is migrated"
    assert "upgraded in place" in parts["edge/users.db"]["action"]
    told = CliRunner().invoke(migrate_command, ["--data", str(data), "--dry-run"]).output
    assert f"edge/users.db has layout 3, today's is {USERS_LAYOUT}: it is upgraded" in told
    migrated(data)
    told = CliRunner().invoke(migrate_command, ["--data", str(data)]).output
    assert "checkpoints has layout 1, today's is 1: its layout does not change" in told


def test_what_cannot_be_migrated_is_refused(tmp_path: Path) -> None:
    """A later layout, an archive that has lost events, none at all, and one that is in use."""
    later = unpacked("3", tmp_path / "later")
    archive = Archive.open_primary(later)
    batch = archive.batch()
    batch.put_record(SCHEMA_KEY, b"4")
    archive.write(batch)
    archive.close()
    with pytest.raises(ArchiveError, match=r"layout 4.*a later version wrote it"):
        migration.plan(later)
    short = unpacked("2", tmp_path / "short")
    marker = read_marker(short)
    assert marker is not None
    write_marker(short, msgspec.structs.replace(marker, events=EVENTS + 1))
    with pytest.raises(ArchiveError, match="has lost durable events"):
        migration.plan(short)
    with pytest.raises(ArchiveError, match="there is no archive in"):
        lock(tmp_path / "none")
    used = unpacked("1", tmp_path / "used")
    with held(used), pytest.raises(ArchiveError, match="NOVA runs on the archive"):
        lock(used)


def lock(data: Path) -> None:
    with migration.locked_archive(data):
        pass


@contextmanager
def held(data: Path) -> Iterator[None]:
    """Another process has the archive's lock, as its writer has."""
    code = "import fcntl, sys; f = open(sys.argv[1], 'ab'); fcntl.lockf(f, fcntl.LOCK_EX); print()"
    lock_file = str(data / "truth" / "LOCK")
    command = [sys.executable, "-c", f"{code}; sys.stdout.flush(); input()", lock_file]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdin is not None
        process.stdout.readline()
        yield
        process.stdin.close()


def kills(folder: Path, every: int) -> int:
    """Kill migrations at every n-th of their steps."""
    script = str(Path(__file__).with_name("migration_kills.py"))
    source = str(LAYOUTS / "layout1.tar.xz")
    command = [sys.executable, script, source, str(folder), str(every)]
    # What killed processes leave in the temporary folder would add to the steps of later ones.
    temporary = folder / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


def test_a_killed_migration_leaves_the_old_archive_or_the_new_one(tmp_path: Path) -> None:
    """And is finished by the next one."""
    assert kills(tmp_path, 7) >= 4


@pytest.mark.slow
def test_a_migration_may_be_killed_at_every_step(tmp_path: Path) -> None:
    assert kills(tmp_path, 1) >= 30
