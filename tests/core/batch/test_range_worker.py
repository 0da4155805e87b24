"""A worker of an export on a full disk, and when its reader ends (pitfalls rows 33, 34)."""

from __future__ import annotations

import os
import resource
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nova.core.batch.range_worker import Priority
from nova.sdk import lifecycle
from nova.sdk.batch.range_messages import (
    DriverOutput,
    RangeProgress,
    RangeRequest,
    ReadRequest,
)
from nova.sdk.batch.range_workers import (
    RangeFailedError,
    RangeWorker,
    RangeWorkers,
    WorkerEndedError,
)
from nova.sdk.protocol.messages import Filters, Timebase
from nova.sdk.timestamps import NS_MAX, NS_MIN
from tests.core.filing import filed

WAIT_S = 60
FILE_MAX_BYTES = 20_000


def everything(mark: int, timebase: Timebase = "source") -> RangeRequest:
    """All events."""
    return RangeRequest(
        start_ns=NS_MIN, stop_ns=NS_MAX, timebase=timebase, filters=Filters(), watermark=mark
    )


def written(worker: RangeWorker, request: RangeRequest, output: DriverOutput) -> RangeProgress:
    """The end of writing all files of an output."""
    worker.send(request)
    worker.send(ReadRequest(start_ns=NS_MIN, stop_ns=NS_MAX + 1, output=output))
    while True:
        progress, _ = worker.progress()
        if progress.is_done:
            return progress


def output(folder: Path, driver: str) -> DriverOutput:
    """The files of one driver."""
    return DriverOutput(folder=str(folder), preference=["jsonl"], driver=driver, max_bytes=2**40)


@pytest.mark.parametrize("driver", ["jsonl", "mcap"])
def test_a_full_disk_is_said(tmp_path: Path, driver: str) -> None:
    """The process ends by itself, with a code for the client."""
    with (
        filed(tmp_path, ("jsonl",)) as archive,
        RangeWorkers(tmp_path, 1, is_background=True) as workers,
    ):
        resource.prlimit(
            workers[0].process.process_id, resource.RLIMIT_FSIZE, (FILE_MAX_BYTES, FILE_MAX_BYTES)
        )
        with pytest.raises(RangeFailedError, match="cannot write the export: File too large") as e:
            written(
                workers[0], everything(archive.committer.last_ns), output(tmp_path / "out", driver)
            )
        assert e.value.code == "diskFull"
        with pytest.raises(WorkerEndedError):
            workers[0].progress()


def test_a_short_export_is_made_at_ordinary_priority(tmp_path: Path) -> None:
    """A person waits for it; at the lowest priority it took minutes on a busy machine."""
    with (
        filed(tmp_path, ("jsonl",)) as archive,
        RangeWorkers(tmp_path, 1, is_background=True) as workers,
    ):
        written(
            workers[0], everything(archive.committer.last_ns), output(tmp_path / "out", "jsonl")
        )
        niceness = os.getpriority(os.PRIO_PROCESS, workers[0].process.process_id)
        assert niceness == os.getpriority(os.PRIO_PROCESS, 0)


def test_a_long_export_gives_way_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lowered: list[float] = []
    monkeypatch.setattr(
        lifecycle, "take_lowest_priority", lambda: lowered.append(time.process_time())
    )
    sent: list[RangeProgress] = []

    def send(progress: RangeProgress, _: bytes = b"") -> None:
        sent.append(progress)

    limit_s = time.process_time() + 0.02
    send_and_lower = Priority(limit_s).lowered_by(send)
    while time.process_time() < limit_s + 0.02:
        send_and_lower(RangeProgress())
    assert len(lowered) == 1 and lowered[0] > limit_s
    assert len(sent) > 2


def test_it_leaves_with_its_reader(tmp_path: Path) -> None:
    """Also while it waits for the order to pack."""
    with filed(tmp_path, ("jsonl",)) as archive:
        worker = RangeWorker(tmp_path, 0, is_background=True)
        assert written(
            worker, everything(archive.committer.last_ns), output(tmp_path / "out", "jsonl")
        ).result
        worker.process.close_pipes()
        descriptor = os.pidfd_open(worker.process.process_id)
        assert select.select([descriptor], [], [], WAIT_S)[0]
        os.close(descriptor)
        worker.process.stop(0)


def test_a_block_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """A short export that looks whole there never is."""
    with filed(tmp_path, ("jsonl",)) as archive:
        archive.committer.archive.families["canonical"].flush()
        for path in (tmp_path / "truth").glob("*.sst"):
            data = bytearray(path.read_bytes())
            data[len(data) // 3] ^= 0xFF
            path.write_bytes(data)
        with (
            RangeWorkers(tmp_path, 1, is_background=True) as workers,
            pytest.raises(RangeFailedError) as raised,
        ):
            written(
                workers[0], everything(archive.committer.last_ns), output(tmp_path / "out", "jsonl")
            )
    assert raised.value.code == "archive"


def test_a_worker_loads_no_library_of_servers() -> None:
    """A replay starts several, and their imports are most of what a small range costs."""
    code = "import sys, nova.core.batch.range_worker; print({'aiohttp'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr
