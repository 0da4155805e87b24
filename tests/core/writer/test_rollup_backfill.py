"""Archives without rollups are counted when their writer opens them, however often that is
interrupted.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from nova.core.store.archive import Archive
from nova.core.store.rollup import (
    ROLLUP_PREFIX,
    counted_events,
    counted_until,
    is_complete,
    row_head,
)
from nova.core.store.scan import scan
from nova.core.writer.committer import Committer
from nova.core.writer.rollup_backfill import backfill
from nova.sdk.address import LANES
from nova.sdk.manifests import manifest_files
from nova.sdk.transport.base import Batch, Record
from tests.core.telling import START_NS, rollups_by_hand, rollups_of, telling, told

SECOND_NS = 1_000_000_000
SCOPES = ("sat", "other", "a-b_c")
EVENTS = 1_000
PART = 20
WAIT_S = 30

WRITER = f"""
import os, signal, sys
from functools import partial
from nova.core.writer import writer_process
from nova.sdk import lifecycle
from nova.cli.main import nova
small = dict(part_max_events={PART}, progress_interval_s=0.0)
whole = writer_process.backfill_with_progress
writer_process.backfill_with_progress = partial(whole, **small)
say = lifecycle.print_progress
def said(process, progress):
    say(process, progress)
    end = os.environ["END"]
    if progress.startswith("counted 100 "):
        if end == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif end == "stop":
            os.kill(os.getpid(), signal.SIGTERM)
lifecycle.print_progress = said
sys.argv = ["nova", "core", "writer", "--data", sys.argv[1], "--exit-with-stdin"]
nova()
"""
"""A writer that counts in small parts, and is ended in the middle, in one way or the other."""


def records(count: int, unit: str = "u") -> list[Record]:
    """Records of several scopes, which came late by turns."""
    return [
        telling(
            START_NS + n * 37 % 5_000 * 1_000_000,
            {"n": n},
            scope=SCOPES[n % 3],
            lane=LANES[n % 5],
            unit=unit,
        )
        for n in range(count)
    ]


def forget(archive: Archive, *, wholly: bool) -> None:
    """Leave an archive as an older NOVA does: without rollups, or with stale ones."""
    batch = archive.batch()
    if wholly:
        batch.delete_records(ROLLUP_PREFIX, ROLLUP_PREFIX + b"\xff")
    else:
        key = row_head("canonical", 51, "sat")
        batch.delete_records(key, key + b"\xff" * 9)
    archive.write(batch)


@pytest.mark.parametrize("wholly", [True, False])
def test_an_archive_without_rollups_is_counted_when_its_writer_opens_it(
    archive: Archive,
    committer: Committer,
    tmp_path: Path,
    wholly: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Archives made before are counted once, and say so; others are not touched."""
    committer.add_batch("link", Batch(records(500)))
    committer.close_commit()
    before = rollups_of(archive)
    forget(archive, wholly=wholly)
    with caplog.at_level(logging.INFO):
        Committer(archive, tmp_path)
        assert caplog.text.count("counting the events") == 1
        assert rollups_of(archive) == before == rollups_by_hand(told(archive))
        Committer(archive, tmp_path)
        assert caplog.text.count("counting the events") == 1


def test_what_another_nova_stored_between_two_goes_is_counted_too(
    archive: Archive, committer: Committer, tmp_path: Path
) -> None:
    """A count was cut off, an older NOVA took in late events, which are behind it, and then this
    one continued.
    """
    committer.add_batch("link", Batch(records(100)))
    committer.close_commit()
    forget(archive, wholly=True)
    next(backfill(archive, committer.series, 100, part_max_events=30))
    reached = counted_until(archive)
    before = dict(scan(archive.families["catalog"], ROLLUP_PREFIX, ROLLUP_PREFIX + b"\xff"))
    committer.add_batch("link", Batch(records(40, "v")))
    committer.close_commit()
    batch = archive.batch()  # The older one has left the rollups alone.
    batch.delete_records(ROLLUP_PREFIX, ROLLUP_PREFIX + b"\xff")
    batch.put_records(before.items())
    archive.write(batch)
    assert counted_events(archive) == 30 and counted_until(archive) == reached
    Committer(archive, tmp_path)
    assert counted_events(archive) == 140
    assert rollups_of(archive) == rollups_by_hand(told(archive))


def test_an_empty_archive_is_counted_in_silence(
    archive: Archive, committer: Committer, caplog: pytest.LogCaptureFixture
) -> None:
    """There is nothing to say about nothing."""
    forget(archive, wholly=True)
    with caplog.at_level(logging.INFO):
        assert list(backfill(archive, committer.series, 0)) == []
    assert not caplog.text and is_complete(archive)


@pytest.fixture
def uncounted(data: Path) -> Path:
    """A closed archive without rollups."""
    archive = Archive.open_primary(data)
    committer = Committer(archive, data)
    committer.add_batch("link", Batch(records(EVENTS)))
    committer.close_commit()
    forget(archive, wholly=True)
    archive.close()
    return data


@contextmanager
def writer(data: Path, end: str) -> Iterator[subprocess.Popen[bytes]]:
    """A writer process that counts; it ends with the block."""
    running = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "NOVA_SCOPE": "sat", "END": end},
    )
    with running:
        try:
            yield running
        finally:
            running.kill()


def said(running: subprocess.Popen[bytes]) -> tuple[list[int], bool]:
    """How many a writer said that it had counted, until it said that it was ready, or ended."""
    assert running.stdout is not None
    found: list[int] = []
    for line in running.stdout:
        facts = msgspec.json.decode(line, type=dict[str, str])
        if "ready" in facts:
            return found, True
        counted, of = facts["progress"].removeprefix("counted ").split(" of ")
        assert of == f"{EVENTS:,} events" and facts["starting"] == "writer"
        found.append(int(counted.replace(",", "")))
    return found, False


@pytest.mark.parametrize(("end", "status"), [("kill", -signal.SIGKILL), ("stop", 0)])
def test_a_writer_that_ended_while_counting_goes_on_there(
    uncounted: Path, end: str, status: int
) -> None:
    """Killed in the middle or stopped, it counts nothing twice and leaves nothing
    out, and says all the way how far it is.
    """
    with writer(uncounted, end) as first:
        before, ready = said(first)
        assert not ready and first.wait(WAIT_S) == status
        assert before[:5] == [20, 40, 60, 80, 100] and before[-1] < EVENTS
    with writer(uncounted, "never") as second:
        after, ready = said(second)
        assert ready and before[-1] < after[0] <= before[-1] + PART and after[-1] == EVENTS
        second.terminate()
        assert second.wait(WAIT_S) == 0
    archive = Archive.open_primary(uncounted)
    assert counted_events(archive) == EVENTS + len(manifest_files.load())
    assert rollups_of(archive) == rollups_by_hand(told(archive))
    archive.close()
