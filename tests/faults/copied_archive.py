"""Copies of a data folder, made file by file while a writer works in it."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections import Counter
from pathlib import Path

from nova.core.errors import ArchiveError
from tests.faults.faulty_disk import FaultyDisk
from tests.faults.forked_writers import WriterFork
from tests.faults.published_model import PublishedModel
from tests.faults.publishing import publish

BATCH_EVENTS = 190
PAYLOAD_BYTES = 2_000
"""Large enough that tables are flushed and merged while copies are made."""


async def copies(
    seed: int, count: int, folder: Path, fork: WriterFork
) -> tuple[Counter[str], list[str]]:
    """Copy as many times; each copy is opened as a writer would. Returns how they came out, and
    what is wrong in those that opened.
    """
    model, disk, dice = PublishedModel(seed, PAYLOAD_BYTES), FaultyDisk(folder), random.Random(seed)
    data = folder / "disk" / "data"
    data.mkdir(parents=True)
    writer = fork.start(data, folder / "log", disk)
    outcomes: Counter[str] = Counter()
    faults: list[str] = []
    try:
        await publish(writer.has_ended, data, model, [BATCH_EVENTS])
        for _ in range(count):
            sizes = [BATCH_EVENTS] * dice.randint(4, 10)
            publishing = asyncio.create_task(publish(writer.has_ended, data, model, sizes))
            await asyncio.sleep(dice.uniform(0, 0.2))
            acknowledged = model.acknowledged
            target = folder / "copy"
            await asyncio.to_thread(_copy, data, target, random.Random(dice.random()))
            await publishing
            try:
                found = model.faults_of(target, acknowledged, with_counts=False)
                outcomes["right" if not found else "wrong"] += 1
                faults += found
            except ArchiveError:
                outcomes["refused"] += 1
            shutil.rmtree(target)
    finally:
        writer.end()
    return outcomes, faults


def _copy(data: Path, target: Path, dice: random.Random) -> None:
    """As `cp -r` does, in any order; a file that is removed meanwhile is missing."""
    paths = [path for path in data.rglob("*") if path.is_file()]
    dice.shuffle(paths)
    for path in paths:
        copy = target / path.relative_to(data)
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(path, copy)
        except FileNotFoundError:
            continue
