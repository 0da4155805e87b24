"""What a writer stores of a seeded mix of records is the same to the byte, whatever computes it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from itertools import count
from pathlib import Path

import msgspec
import pytest

from nova.core.commit_feed import encode_commit
from nova.core.store.archive import Archive
from nova.core.store.keys import FAMILIES
from nova.core.store.row_reader import RowReader
from nova.core.writer.commit_limits import CommitLimits
from nova.core.writer.committer import Committer
from nova.sdk.drivers.registry import DriverRegistry
from nova.sdk.transport.base import Batch, Gap, Record
from tests.core.writer.corpus import OWN_SCOPE, Corpus
from tests.sdk.events.mutated_records import needs_native
from tests.sdk.manifests.test_manifest import MANIFEST

NOW_NS = 1_790_000_000_000_000_000
RECORDS = 1_500
LIMITS = CommitLimits(commit_max_events=90)

PLAIN_MANIFEST = msgspec.structs.replace(
    MANIFEST, layout=msgspec.structs.replace(MANIFEST.layout, stale_after_s=None)
)
"""As it was when the digests were computed."""


def mix(seed: int) -> Iterator[tuple[str, Batch]]:
    """Batches of two links: events of every kind, copies, and records that are refused."""
    dice = random.Random(seed)
    corpus = Corpus(seed, [PLAIN_MANIFEST], NOW_NS)
    sent: list[Record] = []
    while len(sent) < RECORDS:
        records: list[Record] = []
        for _ in range(dice.choice((1, 5, 40, 200))):
            chance = dice.random()
            record = dice.choice(sent) if sent and chance < 0.1 else corpus.record()
            if chance > 0.95:
                record = record._replace(value=record.value[: dice.randrange(len(record.value))])
            elif chance > 0.9:
                record = record._replace(address="nova.sat.parsed.bus.eps.u.v1")
            records.append(record)
            sent.append(record)
        gaps = [Gap("s", 0, 3, 5, "retention")] if dice.random() < 0.1 else []
        yield dice.choice(("a", "b")), Batch(records, {"s": len(sent)}, gaps)


def digest(data: Path, seed: int) -> str:
    """Of all rows of an archive, and of the receipts and frames of its writer."""
    summed = sha256()
    ticks = count(NOW_NS, 1_000)
    with closing(Archive.open_primary(data)) as archive:
        committer = Committer(
            archive,
            data,
            own_scope=OWN_SCOPE,
            limits=LIMITS,
            manifests=[PLAIN_MANIFEST],
            clock=lambda: next(ticks),
            registry=DriverRegistry.load(("rawBinary", "positionCsv", "jsonl")),
        )
        for link, batch in mix(seed):
            receipt, frames = committer.add_batch(link, batch)
            closed = [*frames, committer.close_commit()]
            summed.update(msgspec.json.encode((receipt.new, receipt.duplicate, receipt.rejected)))
            frames_sent = [msgspec.Raw(encode_commit(one)) for one in closed]
            summed.update(msgspec.msgpack.encode(frames_sent))
        for family in FAMILIES:
            for block in RowReader(archive).blocks(family, b"", b"\xff" * 100):
                for row in block:
                    summed.update(msgspec.msgpack.encode(row))
    return summed.hexdigest()


@pytest.mark.parametrize("native", ["0", pytest.param("1", marks=needs_native)])
@pytest.mark.parametrize(
    ("seed", "expected"),
    [
        (1, "faf0e9c1a28c6e0ce9a8f64228eba531b09ecef784925855ec00ad8bb5f73536"),
        (2, "229f5e9ae69a48d0ae31660803c72086c9021f481880041afba11b82c136c768"),
    ],
)
def test_rows_receipts_and_frames_are_those_of_every_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, expected: str, native: str
) -> None:
    """A-037, A-056: an archive does not depend on which code computed its rows."""
    monkeypatch.setenv("NOVA_NATIVE", native)
    assert digest(tmp_path, seed) == expected
