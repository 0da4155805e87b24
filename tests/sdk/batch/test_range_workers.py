"""Range workers that are cancelled from another thread, as those of an export are."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest

from nova.sdk.batch.range_workers import RangeWorkers, WorkerEndedError
from nova.sdk.errors import NovaError
from tests.core.filing import filed


def test_a_cancelled_read_ends(tmp_path: Path) -> None:
    """Whoever waits for a reply learns that the worker is gone."""
    with (
        filed(tmp_path, ("jsonl",)),
        RangeWorkers(tmp_path, 2, is_background=True, exit_timeout_s=0) as workers,
        pytest.raises(WorkerEndedError) as raised,
    ):
        threading.Timer(0.1, workers.cancel).start()
        workers[0].progress()
    assert raised.value.status == -signal.SIGKILL


def test_what_was_cancelled_before_does_not_start(tmp_path: Path) -> None:
    """Not even where the processes are being started at that moment."""
    workers = RangeWorkers(tmp_path, 2)
    workers.cancel()
    with pytest.raises(NovaError, match="cancelled"), workers:
        pass
    assert len(workers) == 0
