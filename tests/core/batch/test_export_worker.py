"""An export process on a full disk, and when its reader ends (pitfalls rows 33, 34)."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nova.core import export_protocol
from nova.core.export_protocol import ExportJob
from nova.sdk.protocol.messages import Filters
from nova.sdk.timestamps import NS_MAX, NS_MIN
from tests.core.filing import filed

WAIT_S = 60
FILE_MAX_BYTES = 20_000


def job(folder: Path, mark: int, driver: str) -> ExportJob:
    """All events, by one driver."""
    return ExportJob(
        start_ns=NS_MIN,
        stop_ns=NS_MAX,
        timebase="source",
        filters=Filters(),
        mark=mark,
        folder=str(folder),
        preference=["jsonl"],
        driver=driver,
        max_bytes=2**40,
    )


@contextmanager
def worker(
    data: Path, prepared: Callable[[], None] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process as a reader starts it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nova.cli", "core", "exporter", "--data", str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=prepared,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def reports(
    process: subprocess.Popen[bytes], asked: export_protocol.WorkerRequest
) -> export_protocol.WorkerReport:
    """What it says last of a request."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(export_protocol.encode_line(asked))
    process.stdin.flush()
    while True:
        report = export_protocol.decode_report(process.stdout.readline())
        if not isinstance(report, export_protocol.WorkerProgress):
            return report


@pytest.mark.parametrize("driver", ["jsonl", "mcap"])
def test_a_full_disk_is_said(tmp_path: Path, driver: str) -> None:
    """The process ends by itself, with a code for the client."""

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_MAX_BYTES, FILE_MAX_BYTES))

    with filed(tmp_path, ("jsonl",)) as archive, worker(tmp_path, small) as process:
        report = reports(process, job(tmp_path / "out", archive.committer.last_ns, driver))
        assert isinstance(report, export_protocol.WorkerFailure)
        assert report.code == "diskFull"
        assert report.reason == "cannot write the export: File too large"


def test_it_leaves_with_its_reader(tmp_path: Path) -> None:
    """Also while it waits to be told to pack."""
    with filed(tmp_path, ("jsonl",)) as archive, worker(tmp_path) as process:
        report = reports(process, job(tmp_path / "out", archive.committer.last_ns, "jsonl"))
        assert isinstance(report, export_protocol.WorkerResult)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(WAIT_S) == 1


def test_a_block_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """A short export that looks whole there never is."""
    with filed(tmp_path, ("jsonl",)) as archive:
        archive.committer.archive.families["canonical"].flush()
        for path in (tmp_path / "truth").glob("*.sst"):
            data = bytearray(path.read_bytes())
            data[len(data) // 3] ^= 0xFF
            path.write_bytes(data)
        with worker(tmp_path) as process:
            report = reports(process, job(tmp_path / "out", archive.committer.last_ns, "jsonl"))
    assert isinstance(report, export_protocol.WorkerFailure)
    assert report.code == "archive"
