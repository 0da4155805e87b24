"""`verify` finds every tampering, also a consistent one, and has no false alarm."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from nova.core.store.roots_file import roots_path
from nova.core.utc_day import NS_PER_DAY
from nova.sdk.transport.base import Record
from tests.core.conftest import Make
from tests.core.derived.sealing import DAY_NS, HOUR_NS, SealedArchive
from tests.core.proof.checking_archives import verified
from tests.core.proof.tampering import WAYS, Tamperer

DAYS, BATCHES, BATCH_EVENTS = 3, 3, 12
SEED = 19_007
CONSISTENT = ("delete", "insert", "change", "swap", "reseal", "drop_last_day")


def records(record: Make, day: int, batch: int) -> list[Record]:
    """Events of three lanes and several units, some of them late."""
    first = (day * BATCHES + batch) * BATCH_EVENTS
    numbers = range(first, first + BATCH_EVENTS)
    lanes = ("parsed", "raw", "ui", "parsed")
    return [record(n, lane=lanes[n % 4], unit=f"u{n % 3}") for n in numbers]


@pytest.fixture
async def sealed_data(tmp_path: Path, record: Make) -> Path:
    """A closed archive of three sealed days, and the day of their seals."""
    made = SealedArchive(tmp_path / "archive")
    for day in range(DAYS):
        for batch in range(BATCHES):
            made.put(DAY_NS + day * NS_PER_DAY + batch * HOUR_NS, records(record, day, batch))
    made.clock.ns = DAY_NS + DAYS * NS_PER_DAY + HOUR_NS
    await made.seal_all()
    made.close()
    return made.data


def tampered(sealed_data: Path, folder: Path, seeds: range) -> None:
    """One tampering for each seed, each on a copy."""
    kept, silent, found = folder / "kept.jsonl", [], Counter[str]()
    for seed in seeds:
        data, way = folder / str(seed), list(WAYS)[seed % len(WAYS)]
        shutil.copytree(sealed_data, data)
        shutil.copy(roots_path(sealed_data), kept)
        Tamperer(data, kept, SEED + seed).tamper(way)
        report = verified(data, kept)
        if not report.findings:
            silent.append(f"{seed}: {way}")
        found[way] += 1
        shutil.rmtree(data)
    print(found)
    assert silent == []


def test_some_tamperings_are_found(sealed_data: Path, tmp_path: Path) -> None:
    """Two of each kind, with a copy of the roots that was kept elsewhere."""
    tampered(sealed_data, tmp_path, range(2 * len(WAYS)))


@pytest.mark.slow
def test_two_hundred_tamperings_are_found(sealed_data: Path, tmp_path: Path) -> None:
    """The same for long."""
    tampered(sealed_data, tmp_path, range(200))
