"""An archive with its one writer in a temporary folder, and events to store in it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from nova.core.commit_feed import CommitFrame
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.settings import Settings
from nova.sdk.transport.base import Batch, Record
from tests.core.running import Core, running_core

START_NS = timestamps.parse("2026-01-01T00:00:00Z")

Make = Callable[..., Record]


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """A new archive."""
    opened = Archive.open_primary(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def committer(archive: Archive, tmp_path: Path) -> Committer:
    """Its writer."""
    return Committer(archive, tmp_path)


@pytest.fixture
def record() -> Make:
    """Makes the record of one event; the number is its payload and its milliseconds."""

    def make(
        number: int, *, lane: str = "parsed", unit: str = "u", at_ns: int | None = None
    ) -> Record:
        at = START_NS + number * 1_000_000 if at_ns is None else at_ns
        members: dict[str, object] = {
            "scopeId": "sat",
            "lane": lane,
            "systemId": "bus",
            "containerId": "eps",
            "uniqueId": unit,
            "sourceTruthTime": timestamps.text(at),
        }
        if lane == "raw":
            members |= {"bytes": number.to_bytes(8, "big")}
        elif lane == "ui":
            body = {"viewId": "v", "manifestId": "m", "manifestVersion": "1", "data": {"n": number}}
            members |= {"messageType": "UiUpdate", **body}
        else:
            version = {} if lane == "metadata" else {"schemaVersion": "1"}
            members |= {"messageType": "Count", **version, "payload": {"n": number}}
        return Record(None, msgspec.json.encode(members), f"stream@{number}")

    return make


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder whose path is short enough for its sockets, whatever the name of the
    test is.
    """
    with tempfile.TemporaryDirectory(prefix="nova-") as folder:
        yield Path(folder)


@pytest.fixture
async def core(data: Path) -> AsyncIterator[Core]:
    """A running writer and reader on the local transport, which take every scope."""
    async with running_core(Settings(data=str(data), mode="ground")) as core:
        yield core


@pytest.fixture
def view(tmp_path: Path, archive: Archive) -> Iterator[ArchiveSnapshot]:
    """A secondary of the archive, as a reader process has it."""
    secondary = Archive.open_secondary(tmp_path, tmp_path / "scratch")
    yield ArchiveSnapshot(secondary)
    secondary.close()


@pytest.fixture
def commit(
    committer: Committer, view: ArchiveSnapshot
) -> Callable[[Sequence[Record]], CommitFrame]:
    """Commit records and notify the snapshot, as the writer does; returns the commit."""

    def run(records: Sequence[Record]) -> CommitFrame:
        committer.add_batch("link", Batch(records))
        committed = committer.close_commit()
        view.advance(committed.watermark)
        return committed

    return run
