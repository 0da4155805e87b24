"""The writer starts on an archive with any accepted contents."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from nova.core.writer import writer_process
from nova.core.writer.columns import check_records
from nova.core.writer.pipeline import Writer
from nova.sdk.events.checker import Checker
from nova.sdk.manifests import manifest_files
from nova.sdk.settings import Mode, Settings
from nova.sdk.transport.base import Batch
from tests.core.running import running_core
from tests.core.writer.corpus import OWN_SCOPE, Corpus

SERVED_EVERY_STARTS = 100
DRIVERS = ("rawBinary", "positionCsv", "jsonl")


def accept_one(writer: Writer, corpus: Corpus) -> None:
    """Store the next event of a corpus as an archive has it that was made before anything was
    reserved, or to which an import added it.
    """
    anything = Checker()
    while True:
        record = corpus.record()
        receipt, _ = writer.committer.add_batch(
            "old", Batch([record]), check_records([record], anything)
        )
        if receipt.new:
            writer.committer.close_commit()
            return


async def start_after_each(data: Path, events: int, seed: int, mode: Mode) -> None:
    """Open an archive's writer anew after each event that it has accepted."""
    files = manifest_files.load()
    corpus = Corpus(seed, [file.manifest for file in files], time.time_ns())
    settings = Settings(data=str(data), mode=mode, scope=OWN_SCOPE, drivers=DRIVERS)
    for number in range(events):
        async with writer_process.open_writer(settings, files) as (writer, _):
            accept_one(writer, corpus)
            writer.finish()
        if number % SERVED_EVERY_STARTS == 0 or number == events - 1:
            async with running_core(settings, files) as core:
                assert core.writer.committer.counters.events > number


@pytest.mark.parametrize("mode", ["payload", "ground"])
async def test_a_writer_starts_after_every_accepted_event(data: Path, mode: Mode) -> None:
    """Reserved kinds of its own scope, and manifests in conflict with those that ship, included."""
    await start_after_each(data, 50, 1, mode)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("mode", ["payload", "ground"])
@pytest.mark.parametrize("seed", range(10))
async def test_a_writer_starts_after_every_one_of_ten_thousand(
    data: Path, seed: int, mode: Mode
) -> None:
    """The same, at length."""
    await start_after_each(data, 500, 100 + seed, mode)
