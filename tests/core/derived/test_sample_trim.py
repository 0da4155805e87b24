"""After days were given back, plots and states are those of the events that are left, whenever
samples and checkpoints were made.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from nova.core.derived.checkpoint_limits import CheckpointLimits
from nova.core.derived.checkpoint_maker import CheckpointMaker
from nova.core.derived.sampler import Sampler
from nova.core.derived.sampler_limits import SamplerLimits
from nova.core.ordering import TIMEBASES
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.sample_query import SampleLimits, SampleQueries
from nova.core.query.ui_state import UiStates
from nova.core.store.archive import Archive
from nova.core.store.checkpoint_store import CheckpointStore
from nova.core.store.column_tree import BlockSizes
from nova.core.store.sample_store import SampleStore
from nova.core.utc_day import NS_PER_DAY
from nova.sdk.protocol.views import GetUiState
from tests.core.query.test_sample_query import asked, check
from tests.core.query.test_ui_state import as_folded, by_hand
from tests.core.retaining import KEPT_NS, NOW_NS, Retaining
from tests.core.telling import START_NS, told

EVENTS_PER_DAY = 100
SAMPLING = SamplerLimits(
    BlockSizes(unit_events=4, block_units=4, fan_out=2, cells_max=6), chunk_max_events=70
)
READING = SampleLimits(direct_max_events=3, tail_max_events=9, part_max_blocks=3)
FOLDING = CheckpointLimits(segment_events=3)


class Derived:
    """The derived databases of an archive, and readers of them."""

    def __init__(self, retaining: Retaining) -> None:
        self.retaining = retaining
        data = retaining.data
        retaining.sync()
        self.follower = ArchiveSnapshot(Archive.open_secondary(data, data / "follower"))
        self.view = ArchiveSnapshot(Archive.open_secondary(data, data / "reader"))
        self.samples = SampleQueries(self.view, data, data / "reader-samples", READING)
        self.states = UiStates(self.view, data, data / "reader-states")

    def follow(self, writes: int | None = None) -> None:
        """Run new makers, or kill them after a number of steps."""
        until_ns = self.retaining.committer.last_ns
        with closing(SampleStore.open_primary(self.retaining.data)) as store:
            for done, _ in enumerate(Sampler(self.follower, store, SAMPLING).sample(until_ns), 1):
                if done == writes:
                    break
        with closing(CheckpointStore.open_primary(self.retaining.data)) as checkpoints:
            for _ in CheckpointMaker(self.follower, checkpoints, FOLDING).make(until_ns):
                pass
        self.view.advance(until_ns)

    def close(self) -> None:
        self.samples.close()
        self.states.close()
        self.view.archive.close()
        self.follower.archive.close()


@pytest.fixture
def derived(tmp_path: Path) -> Iterator[Derived]:
    retaining = Retaining(tmp_path, EVENTS_PER_DAY)
    retaining.fill()
    with closing(Derived(retaining)) as derived:
        yield derived


async def check_plots(derived: Derived) -> None:
    """Plots of all times in both timebases are those of the events that are left."""
    parsed = [e for e in told(derived.retaining.archive) if (e.scope, e.lane) == ("sat", "parsed")]
    assert len(parsed) > 100
    for timebase in TIMEBASES:
        for start_ns in (START_NS - 3 * NS_PER_DAY, KEPT_NS - NS_PER_DAY, KEPT_NS):
            for buckets in (1, 7, 40, 900):
                request = asked(start_ns, NOW_NS + 3 * NS_PER_DAY, buckets, ["n"])
                answer = await derived.samples.respond(request, timebase)
                assert not answer.behind
                check(answer, parsed)


@pytest.mark.parametrize("before", [True, False])
async def test_plots_are_those_of_what_is_left(derived: Derived, before: bool) -> None:
    if before:
        derived.follow()
        await check_plots(derived)
    await derived.retaining.give_back()
    derived.view.advance(derived.retaining.committer.last_ns)
    request = asked(START_NS, NOW_NS, 40, ["n"])
    assert (await derived.samples.respond(request, "source")).behind  # until it is trimmed
    for writes in (3, 9):
        derived.follow(writes)
    derived.follow()
    await check_plots(derived)


@pytest.mark.parametrize("before", [True, False])
async def test_states_at_kept_times_are_what_they_were(derived: Derived, before: bool) -> None:
    events = told(derived.retaining.archive)
    if before:
        derived.follow()
    await derived.retaining.give_back()
    derived.follow()
    for timebase in TIMEBASES:
        kept = sorted({e.time(timebase) for e in events if e.lane == "ui"})
        for at_ns in (KEPT_NS, *(at for at in kept if at >= KEPT_NS), NOW_NS):
            answer = await derived.states.respond(GetUiState(), timebase, at_ns)
            shown = {info.unique_id: as_folded(info) for info in answer.states}
            assert shown == by_hand(events, timebase, at_ns)
        for at_ns in (START_NS, KEPT_NS - 1):
            assert not (await derived.states.respond(GetUiState(), timebase, at_ns)).states
    rows = checkpoint_rows(derived.retaining.data)
    late = derived.retaining.days[0]
    assert derived.retaining.add(late).new == 0
    derived.follow()
    assert checkpoint_rows(derived.retaining.data) == rows


def checkpoint_rows(data: Path) -> int:
    with closing(CheckpointStore.open_primary(data)) as store:
        return len(store.all_rows())
