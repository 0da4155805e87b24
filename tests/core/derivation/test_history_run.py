"""What is derived over history is what was derived live, byte for byte."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from nova.core.commit_feed import CommitFrame
from nova.core.definitions.definition import Definition
from nova.core.derivation.history_run import HistoryRun, HistorySpan
from nova.core.derivation.live_definition import LiveDefinition
from nova.core.derived.sampler import Sampler
from nova.core.derived.sampler_limits import SamplerLimits
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store.column_tree import BlockSizes
from nova.core.store.sample_store import SampleStore
from nova.sdk.timestamps import NS_MIN, NS_PER_SECOND
from nova.sdk.transport.base import Record
from tests.core.derivation.deriving import BASE_NS, InlineEvaluator, definition_of, random_events
from tests.core.derivation.test_live_definition import SHAPES

Commit = Callable[[Sequence[Record]], CommitFrame]
SAMPLING = SamplerLimits(
    BlockSizes(unit_events=4, block_units=2, fan_out=2, cells_max=6), chunk_max_events=9
)


@pytest.fixture
def samples(tmp_path: Path) -> Iterator[SampleStore]:
    store = SampleStore.open_primary(tmp_path)
    yield store
    store.close()


async def derive(
    definition: Definition,
    view: ArchiveSnapshot,
    samples: SampleStore | None,
    bounds: tuple[int, int],
    piece_events: int,
) -> tuple[list[bytes], bool]:
    """The records of a range in order of their bytes, and whether columns were read."""
    made: list[Record] = []

    async def deliver(records: Sequence[Record]) -> None:
        made.extend(records)

    span = HistorySpan(*bounds, view.watermark)
    run = HistoryRun(definition, view, samples, InlineEvaluator(), span, piece_events)
    reads_columns = run.reads_columns
    async for _ in run.run(deliver):
        pass
    return sorted({record.value for record in made}), reads_columns


async def live_records(definition: Definition, view: ArchiveSnapshot) -> list[bytes]:
    made: list[Record] = []

    async def publish(records: Sequence[Record]) -> None:
        made.extend(records)

    live = LiveDefinition(definition, view, InlineEvaluator(), NS_MIN)
    while live.position_ns < view.watermark:
        await live.step(publish)
    return sorted({record.value for record in made})


@pytest.mark.law
@pytest.mark.parametrize("seed", range(len(SHAPES)))
async def test_history_equals_live(
    commit: Commit, view: ArchiveSnapshot, samples: SampleStore, seed: int
) -> None:
    """From events and from columns, in pieces of any size, and of a part of the range."""
    chance = random.Random(seed)
    definition = definition_of(**SHAPES[seed])
    sent = random_events(seed + 100, 220)
    for start in range(0, len(sent), 20):
        commit([one.record() for one in sent[start : start + 20]])
        if start == 160:
            for _ in Sampler(view, samples, SAMPLING).sample(view.watermark):
                pass
    live = await live_records(definition, view)
    first, last = BASE_NS - 3_600 * NS_PER_SECOND, BASE_NS + 3_600 * NS_PER_SECOND
    for store in (None, samples):
        for piece_events in (1_000, 7, chance.randint(2, 60)):
            made, reads_columns = await derive(definition, view, store, (first, last), piece_events)
            assert made == live
            assert reads_columns == (store is not None)
    middle = sorted(one.at_ns for one in sent)[len(sent) // 2]
    early, _ = await derive(definition, view, samples, (first, middle - 1), 30)
    later, _ = await derive(definition, view, samples, (middle, last), 30)
    assert sorted((*early, *later)) == live
    assert len(live) > 50


async def test_one_series_makes_the_same_in_any_order_of_arrival(
    commit: Commit, view: ArchiveSnapshot
) -> None:
    """A value of one event alone does not depend on what has arrived."""
    sent = [one for one in random_events(7, 120) if one.is_volts]
    members = {"inputs": {"volts": definition_of().inputs["volts"]}, "expression": "volts * 2.0"}
    definition = definition_of(**members)
    shuffled = random.Random(1).sample(sent, len(sent))
    commit([one.record() for one in shuffled])
    assert len(await live_records(definition, view)) == len(
        {(one.at_ns, one.value) for one in sent}
    )
