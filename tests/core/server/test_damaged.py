"""Seeded damage of derived data, at rest and under a reader: replies stay right, and the data is
rebuilt.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from nova.core.derived.checkpoint_limits import CheckpointLimits
from nova.core.derived.checkpoint_maker import CheckpointMaker
from nova.core.derived.sampler import Sampler
from nova.core.derived.sampler_limits import SamplerLimits
from nova.core.errors import ArchiveError, DerivedDamagedError
from nova.core.ordering import TIMEBASES
from nova.core.query.sample_query import SampleLimits, SampleQueries
from nova.core.query.ui_state import UiStates
from nova.core.store.checkpoint_store import CHECKPOINTS_FOLDER, CheckpointStore
from nova.core.store.column_tree import BlockSizes
from nova.core.store.derived_database import DerivedDatabase
from nova.core.store.rebuild_request import discard, raise_if_requested, read_rebuild_record
from nova.core.store.sample_store import SAMPLES_FOLDER, SampleStore
from nova.sdk.transport.base import Batch
from tests.core.copying import copy_unchanged
from tests.core.derived.test_checkpoint_maker import Archived
from tests.core.query.test_sample_query import asked, check
from tests.core.query.test_ui_state import by_hand, shown
from tests.core.telling import START_NS, ViewedEvent, telling
from tests.core.viewing import MINUTE_NS, Drawn

MS = 1_000_000
CHECKPOINTS = CheckpointLimits(segment_events=3)
SAMPLING = SamplerLimits(BlockSizes(unit_events=2, block_units=4, fan_out=2))
READING = SampleLimits(direct_max_events=4, tail_max_events=40)
"""Limits so small that a few events meet all of them."""

TRIALS, MANY_TRIALS = 4, 400
PARTS = 4
"""Of each but the last there is a table file, too few to be merged."""

KINDS: tuple[type[DerivedDatabase], ...] = (CheckpointStore, SampleStore)
TIMES = [START_NS + minute * MINUTE_NS for minute in (-1, 30, 61, 125, 190, 1_000)]


def damage(folder: Path, chance: random.Random) -> str:
    """Do something to one file of a folder; says what."""
    path = chance.choice(sorted(path for path in folder.iterdir() if path.is_file()))
    content = path.read_bytes()
    kinds: dict[str, Callable[[], bytes]] = {
        "flipped": lambda: _flipped(content, chance),
        "cut": lambda: content[: chance.randrange(len(content) or 1)],
        "emptied": lambda: b"",
        "zeroed": lambda: bytes(len(content)),
        "garbage behind": lambda: content + chance.randbytes(100),
        "another": lambda: chance.choice(sorted(folder.iterdir())).read_bytes(),
    }
    kind = chance.choice(["missing", *kinds])
    # Another file, as file systems and copies make it: one that is open stays as it was.
    path.unlink()
    if kind != "missing":
        path.write_bytes(kinds[kind]())
    return f"{path.name} {kind}"


def _flipped(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    if changed:
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


class Spoilt:
    """An archive with derived data in several files and a log, of which it keeps a good copy."""

    def __init__(self, stack: ExitStack) -> None:
        self.archived = Archived(stack, limits=CHECKPOINTS)
        self.data = self.archived.data
        self.good = self.data / "good"
        for part in range(PARTS):
            self.commit(part)
            for kind in KINDS:
                self.make_and_kill(kind)
        self.events: list[ViewedEvent] = self.archived.events()
        self.expected = {kind.FOLDER: self.keys(kind) for kind in KINDS}

    def commit(self, part: int) -> None:
        """Some updates, of a version that changes, and some numbers."""
        minutes = range(40 * part, 40 * part + 40)
        versions = ["1.0.0", "2.0.0"][part % 2 :]
        self.archived.take(
            [
                Drawn(minute, unit, versions[0], (("xyz"[minute % 3], minute % 10),))
                for minute in minutes
                for unit in "ab"
            ]
        )
        self.archived.committer.add_batch(
            "link", Batch([telling(START_NS + n * MS, {"n": n}, unit="u") for n in minutes])
        )
        self.archived.committer.close_commit()

    def make_and_kill(self, kind: type[DerivedDatabase]) -> None:
        """Run a maker, and leave the files and the open log of a killed one."""
        store = kind.open_primary(self.data)
        self.work(store)
        shutil.rmtree(self.good / kind.FOLDER, ignore_errors=True)
        copy_unchanged(self.data / kind.FOLDER, self.good / kind.FOLDER)
        store.close()
        self.restore(kind)

    def restore(self, kind: type[DerivedDatabase]) -> Path:
        """The good copy again, as if nothing had been."""
        folder = self.data / kind.FOLDER
        shutil.rmtree(folder)
        return Path(shutil.copytree(self.good / kind.FOLDER, folder))

    def make(self, kind: type[DerivedDatabase]) -> None:
        """What their maker does, until nothing is to be done; fails if it never gets there."""
        for _ in range(3):
            try:
                store = kind.open_primary(self.data)
                try:
                    raise_if_requested(self.data, kind.FOLDER)
                    self.work(store)
                finally:
                    store.close()
            except DerivedDamagedError as error:
                discard(self.data, kind.FOLDER, str(error))
            else:
                return
        raise AssertionError("made anew again and again")

    def work(self, store: DerivedDatabase) -> None:
        """Take in all that there is."""
        mark, view = self.archived.committer.last_ns, self.archived.view
        if isinstance(store, CheckpointStore):
            list(CheckpointMaker(view, store, CHECKPOINTS).make(mark))
        elif isinstance(store, SampleStore):
            list(Sampler(view, store, SAMPLING).sample(mark))

    def keys(self, kind: type[DerivedDatabase]) -> list[bytes]:
        """The derived data of all stored events, rebuilt if unreadable, as its maker leaves it."""
        self.make(kind)
        for _ in range(2):
            store = kind.open_primary(self.data)
            try:
                return [key for key, _ in store.all_rows()]
            except DerivedDamagedError as error:
                reason = str(error)
            finally:
                store.close()
            discard(self.data, kind.FOLDER, reason)
            self.make(kind)
        raise AssertionError("what was made anew cannot be read")

    async def check_states(self, states: UiStates, is_whole: bool = False) -> None:
        """What views show is right, whatever there is of checkpoints."""
        for timebase in TIMEBASES:
            for at_ns in TIMES:
                expected = by_hand(self.events, timebase, at_ns)
                assert await shown(self.archived, states, timebase, at_ns) == expected

    async def check_samples(self, samples: SampleQueries, is_whole: bool = False) -> None:
        """Numbers over time are right, or said to be behind unless all is there."""
        self.archived.view.advance(self.archived.committer.last_ns)
        for timebase in TIMEBASES:
            for stop in (50, 120, 250):
                answer = await samples.respond(asked(START_NS, START_NS + stop * MS, 8), timebase)
                if is_whole or not answer.behind:
                    check(answer, self.events)


@pytest.fixture
def spoilt() -> Iterator[Spoilt]:
    """One with its derived data."""
    with ExitStack() as stack:
        yield Spoilt(stack)


Many = pytest.mark.parametrize(
    "trials", [TRIALS, pytest.param(MANY_TRIALS, marks=pytest.mark.slow)]
)


@Many
async def test_states_are_right_with_damaged_checkpoints(spoilt: Spoilt, trials: int) -> None:
    """Each file in turn, in every way, at rest and under a reader that has it open."""
    await try_all(
        spoilt,
        CheckpointStore,
        lambda scratch: UiStates(spoilt.archived.view, spoilt.data, scratch),
        spoilt.check_states,
        trials,
    )


@Many
async def test_samples_are_right_or_behind_where_they_are_damaged(
    spoilt: Spoilt, trials: int
) -> None:
    """The same of plots."""
    await try_all(
        spoilt,
        SampleStore,
        lambda scratch: SampleQueries(spoilt.archived.view, spoilt.data, scratch, READING),
        spoilt.check_samples,
        trials,
    )


async def try_all(
    spoilt: Spoilt,
    kind: type[DerivedDatabase],
    reader: Callable[[Path], UiStates | SampleQueries],
    right: Callable[..., Awaitable[None]],
    trials: int,
) -> None:
    """Damage, read, make, read and make again."""
    for seed in range(trials):
        chance = random.Random(f"{kind.FOLDER} {seed}")
        folder = spoilt.restore(kind)
        opened = reader(spoilt.data / f"scratch-{seed}")
        what = ""
        try:
            if seed % 2:  # It has it open already.
                await right(opened)
            what = damage(folder, chance)
            await right(opened)
            spoilt.make(kind)
            await right(opened)
            assert spoilt.keys(kind) == spoilt.expected[kind.FOLDER]
            await right(opened, is_whole=True)
        except (AssertionError, ArchiveError) as error:
            raise AssertionError(f"seed {seed}: {what}: {error}") from error
        finally:
            opened.close()


def test_what_was_thrown_away_is_counted(spoilt: Spoilt) -> None:
    """And why, for the status; what a person has asked for is no damage."""
    spoilt.restore(SampleStore)
    assert read_rebuild_record(spoilt.data).count == 0
    (spoilt.data / SAMPLES_FOLDER / "CURRENT").write_text("nonsense")
    spoilt.make(SampleStore)
    remade = read_rebuild_record(spoilt.data)
    assert remade.count == 1 and "samples" in remade.last
    discard(spoilt.data, CHECKPOINTS_FOLDER, "")
    assert read_rebuild_record(spoilt.data).count == 1
