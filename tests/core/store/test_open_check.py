"""Everything that opens an archive refuses the same archives for the same reasons."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from nova.core.files.files_process import open_snapshot
from nova.core.query.derived_writer import open_for_writing
from nova.core.store.archive import TRUTH_FOLDER, Archive
from nova.core.store.archive_identity import ensure_id
from nova.core.store.catalog import SCHEMA_KEY
from nova.core.store.checkpoint_store import CheckpointStore
from nova.core.store.durability_marker import MARKER_FILE, read_marker, write_marker
from nova.core.store.quarantine import quarantined
from nova.core.store.sample_store import SampleStore
from nova.core.store.secondary import open_secondary_archive
from nova.core.writer.committer import Committer
from nova.sdk.archive_id import ID_FILE
from nova.sdk.batch.range_messages import RangeRequest, SplitReply, SplitRequest
from nova.sdk.batch.range_workers import RangeWorkers
from nova.sdk.errors import NovaError
from nova.sdk.protocol.messages import Filters
from nova.sdk.timestamps import NS_MAX, NS_MIN
from nova.sdk.transport.base import Batch, Record

Make = Callable[..., Record]

ROOT = Path(__file__).parents[3]
SOURCES = ("core", "edge", "sdk", "transport_kafka", "transport_nats")
MEMORY_BYTES = 8 * 1024 * 1024
EVENTS = 20


@pytest.fixture
def data(tmp_path: Path, record: Make) -> Path:
    """An archive at rest with its id, whose last ten events are only written, not durable."""
    live, copy = tmp_path / "live", tmp_path / "data"
    archive = Archive.open_primary(live)
    ensure_id(archive, live)
    committer = Committer(archive, live)
    for first in (0, 10):
        batch = Batch([record(n) for n in range(first, first + 10)])
        committer.add_batch("link", batch)
        committer.close_commit()
        if first == 0:
            archive.sync()
            write_marker(live, committer.marker())
    shutil.copytree(live, copy)
    archive.close()
    return copy


def as_writer(data: Path) -> None:
    Archive.open_primary(data).close()


def as_reader(data: Path) -> None:
    with open_secondary_archive(data, data.parent / "scratch", MEMORY_BYTES):
        pass


def as_files(data: Path) -> None:
    with open_snapshot(data):
        pass


def as_sampler(data: Path) -> None:
    with open_for_writing(data, SampleStore):
        pass


def as_checkpoints(data: Path) -> None:
    with open_for_writing(data, CheckpointStore):
        pass


def as_worker(data: Path) -> None:
    """A process that reads for a replay or an export."""
    whole = RangeRequest(start_ns=NS_MIN, stop_ns=NS_MAX, timebase="source", filters=Filters())
    with RangeWorkers(data, 1) as workers:
        workers[0].send(whole)
        workers[0].send(SplitRequest(pieces=1))
        reply, _ = workers[0].reply()
        assert isinstance(reply, SplitReply) and reply.pieces


OPENERS = (as_writer, as_reader, as_files, as_sampler, as_checkpoints, as_worker)


def shorten(data: Path) -> None:
    """More was durable than there is."""
    marker = read_marker(data)
    assert marker is not None
    write_marker(data, msgspec.structs.replace(marker, events=EVENTS + 1))


def exchange(data: Path) -> None:
    """The folder is that of another archive."""
    (data / ID_FILE).write_text("5a0f\n")


def change_layout(data: Path) -> None:
    """A later NOVA has written it."""
    archive = Archive.open_primary(data)
    batch = archive.batch()
    batch.put_record(SCHEMA_KEY, b"999")
    archive.write(batch)
    archive.sync()
    archive.close()


def lose_marker(data: Path) -> None:
    (data / MARKER_FILE).unlink()


FAULTS: dict[Callable[[Path], None], str] = {
    shorten: "has lost durable events: event count 20, but witness.json records 21",
    exchange: "says that archive 5a0f is here, but the one in",
    change_layout: "has layout 999",
    lose_marker: "witness.json is missing, so nothing proves that the 20 events",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_whoever_opens_an_archive_refuses_it_alike(
    data: Path, fault: Callable[[Path], None]
) -> None:
    """A worker of replays and exports opened the archive of another folder, and a writer changed an
    archive before it saw that this had lost events.
    """
    as_writer(data)
    fault(data)
    before = tree(data)
    for opener in OPENERS:
        with pytest.raises(NovaError) as raised:
            opener(data)
        assert FAULTS[fault] in str(raised.value), opener.__name__
    assert tree(data) == before


def tree(data: Path) -> set[str]:
    """The files that nobody may have made or removed: all but those that any opening writes."""
    own = ("LOG", "LOCK", "OPTIONS", "MANIFEST", "CURRENT", "rocksdict")
    names = {path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file()}
    return {name for name in names if not Path(name).name.startswith(own) and ".log" not in name}


def test_readers_say_who_mends_an_end_that_was_never_durable(data: Path) -> None:
    """They said that the archive had to be restored, until a writer had once opened it."""
    (log,) = (data / TRUTH_FOLDER).glob("*.log")
    content = log.read_bytes()
    log.write_bytes(content[:-40] + b"garbage" * 20_000)
    for opener in OPENERS[1:]:
        with pytest.raises(NovaError) as raised:
            opener(data)
        said = str(raised.value)
        assert f"{log.name} has" in said and "Start NOVA on it once" in said, opener.__name__
        assert "Restore" not in said and "is damaged" not in said, opener.__name__
    for opener in OPENERS:
        opener(data)
    assert quarantined(data)


def test_readers_do_not_take_lost_events_for_such_an_end(data: Path) -> None:
    """A start does not restore what was durable."""
    (log,) = (data / TRUTH_FOLDER).glob("*.log")
    content = log.read_bytes()
    log.write_bytes(content[: len(content) // 4] + b"garbage" * 20_000)
    for opener in (as_writer, as_reader):
        with pytest.raises(NovaError, match="Restore the archive from a copy"):
            opener(data)


OPENING = re.compile(r"\bRdict\(|\bArchive\(|\bopen_primary\(|\bopen_secondary")


def calls(path: Path) -> set[str]:
    """What a module calls, as it is written."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}


def test_nothing_opens_an_archive_by_another_way() -> None:
    """The check is in both methods of `Archive`; whoever adds another way adds the check."""
    paths = (path for folder in SOURCES for path in (ROOT / folder).rglob("*.py"))
    opening = {path: calls(path) for path in paths if OPENING.search(path.read_text())}

    def callers(name: str) -> set[str]:
        return {path.stem for path, called in opening.items() if name in called}

    assert callers("Rdict") == {"archive", "derived_database", "former_layout"}
    assert callers("Archive") == set()
    assert callers("Archive.open_primary") == {"migration", "writer_process"}
    assert callers("Archive.open_secondary") == {"hot_copy", "range_worker", "secondary"}
