"""Checkpoints depend on the updates alone, not on their order of arrival or on kills."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.derived.checkpoint_limits import CHECKPOINT_LIMITS, CheckpointLimits
from nova.core.derived.checkpoint_maker import CheckpointMaker
from nova.core.ordering import Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store import checkpoint_store as stored
from nova.core.store.archive import Archive
from nova.core.store.checkpoint_store import (
    CHECKPOINTS_FOLDER,
    HOUR_NS,
    CheckpointStore,
    position_time,
)
from nova.core.writer.committer import Committer
from nova.sdk.transport.base import Batch
from tests.core.copying import copy_unchanged
from tests.core.telling import START_NS, ViewedEvent, told
from tests.core.viewing import ARRIVALS, UNITS, Drawn, in_order, updating
from tests.laws import law

SEGMENT = 3
SMALL = CheckpointLimits(
    segment_events=SEGMENT,
    states_max=2,
    versions_max=2,
    chunk_max_events=5,
    pending_max_rows=2,
    cached_max_series=1,
    recent_max_bytes=2_000,
)
"""Limits so small that a few updates meet all of them."""


class Archived:
    """An archive with a follower and a database of checkpoints, all of its own."""

    def __init__(
        self,
        stack: ExitStack,
        copied: Path | None = None,
        limits: CheckpointLimits = CHECKPOINT_LIMITS,
    ) -> None:
        self.limits = limits
        self.data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nova-")))
        if copied is not None:
            copy_unchanged(copied / "truth", self.data / "truth", "LOCK")
        self.archive = Archive.open_primary(self.data)
        stack.callback(self.archive.close)
        self.committer = Committer(self.archive, self.data)
        self.committer.close_commit()
        secondary = Archive.open_secondary(self.data, self.data / "scratch")
        stack.callback(secondary.close)
        self.view = ArchiveSnapshot(secondary)

    def take(self, batch: Sequence[Drawn]) -> None:
        """Commit a batch."""
        self.committer.add_batch("link", Batch([drawn.record() for drawn in batch]))
        self.committer.close_commit()

    def make(self, writes: int | None = None) -> None:
        """Run a new maker, or kill it after a number of writes."""
        store = CheckpointStore.open_primary(self.data)
        try:
            maker = CheckpointMaker(self.view, store, self.limits)
            for done, _ in enumerate(maker.make(self.committer.last_ns), 1):
                if done == writes:
                    break
        finally:
            store.close()

    def rows(self, timebase: Timebase) -> dict[tuple[str, bytes, str], object]:
        """All checkpoints of a timebase by unit, position and version."""
        store = CheckpointStore.open_primary(self.data)
        try:
            self.view.series.load(self.archive)
            return {
                (names.unique_id, found.position, found.version): (
                    msgspec.to_builtins(found.state().times),
                    msgspec.json.decode(msgspec.json.encode(found.state().data)),
                )
                for number, names in enumerate(self.view.series.names)
                for found in store.at_or_before(timebase, number, stored.AFTER_ALL)
            }
        finally:
            store.close()

    def events(self) -> list[ViewedEvent]:
        """All that the archive holds."""
        return told(self.archive)


def small(stack: ExitStack, copied: Path | None = None) -> Archived:
    """One whose maker has small limits."""
    return Archived(stack, copied, SMALL)


def rows_by_hand(
    events: Sequence[ViewedEvent], timebase: Timebase
) -> dict[tuple[str, int, str], tuple[dict[str, int], dict[str, int]]]:
    """By unit, time and version, the states at whole hours that have updates; only hours are looked
    at, for they are what the requirements name.
    """
    found = {}
    for unit in UNITS:
        updates = in_order(events, timebase, unit)
        for at_ns, body in updates:
            hour = at_ns // HOUR_NS * HOUR_NS
            data: dict[str, int] = {}
            times: dict[str, int] = {}
            for earlier_ns, earlier in updates:
                if earlier_ns < hour and earlier.manifest_version == body.manifest_version:
                    data |= earlier.data
                    times |= dict.fromkeys(earlier.data, earlier_ns)
            first_hours = [
                one_ns // HOUR_NS * HOUR_NS
                for one_ns, one in updates
                if one_ns // HOUR_NS == hour // HOUR_NS
            ]
            assert hour in first_hours
            found[unit, hour, body.manifest_version] = (times, data)
    return found


@law(6)
@given(batches=ARRIVALS, seed=st.integers(0, 99))
def test_two_orders_of_arrival_make_the_same_checkpoints(
    batches: list[list[Drawn]], seed: int
) -> None:
    """A-223: positions and contents, also where a maker has worked in between."""
    everything = [drawn for batch in batches for drawn in batch]
    shuffled = random.Random(seed).sample(everything, len(everything))
    with ExitStack() as stack:
        one, other = small(stack), small(stack)
        for batch in batches:
            one.take(batch)
            one.make()
        other.take(shuffled)
        other.make()
        assert one.rows("source") == other.rows("source")


@law(6)
@given(batches=ARRIVALS)
def test_checkpoints_hold_what_lies_before_them(batches: list[list[Drawn]]) -> None:
    """A-220…A-222, AMB-44: at each whole hour that has updates, the fold of all strictly before,
    empty at the first discovery.
    """
    with ExitStack() as stack:
        archived = small(stack)
        for batch in batches:
            archived.take(batch)
            archived.make()
        rows = archived.rows("source")
        expected = rows_by_hand(archived.events(), "source")
        at_hours = {
            (unit, position_time(position), version): content
            for (unit, position, version), content in rows.items()
            if position_time(position) % HOUR_NS == 0 and position.endswith(stored.NO_ID)
        }
        # A version that comes after others in its hour has its row where its segment begins.
        assert at_hours.items() <= expected.items()
        assert {key[:2] for key in at_hours} == {key[:2] for key in expected}
        assert all(
            any(
                row[0] == unit and row[2] == version
                for row in rows
                if hour <= position_time(row[1]) < hour + HOUR_NS
            )
            for unit, hour, version in expected
        )


@law(6)
@given(batches=ARRIVALS, writes=st.integers(1, 3))
def test_a_maker_that_was_killed_ends_as_one_that_was_not(
    batches: list[list[Drawn]], writes: int
) -> None:
    """Rows are right whether or not the cursor behind them was written."""
    with ExitStack() as stack:
        killed, whole = small(stack), small(stack)
        for batch in batches:
            killed.take(batch)
            killed.make(writes)
            whole.take(batch)
        for _ in range(sum(map(len, batches)) // 5 + 2):
            killed.make(writes)
        whole.make()
        assert killed.rows("source") == whole.rows("source")
        assert len(killed.rows("canonical")) == len(whole.rows("canonical"))


def test_a_kill_between_two_flushes_of_a_series_made_again_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A record that was written half way says that nothing counts as folded."""
    with ExitStack() as stack:
        archived = small(stack)
        updates = [Drawn(minute, "a", "1.0.0", (("x", minute),)) for minute in range(1, 50)]
        archived.take(updates)
        archived.make()
        archived.take([Drawn(0, "a", "1.0.0", (("y", 1),))])
        flushes = 0
        flush = CheckpointMaker._flush  # noqa: SLF001 - where it is killed

        def killed(maker: CheckpointMaker) -> None:
            nonlocal flushes
            flushes += 1
            if flushes == 5:
                raise KeyboardInterrupt
            flush(maker)

        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(CheckpointMaker, "_flush", killed)
            archived.make()
        archived.make()
        other = small(stack)
        other.take([*updates, Drawn(0, "a", "1.0.0", (("y", 1),))])
        other.make()
        assert archived.rows("source") == other.rows("source")


def test_rows_never_outgrow_what_they_are_made_of() -> None:
    """A view that invents a key with every update has segments as long as its state is large."""
    with ExitStack() as stack:
        archived = small(stack)
        count = 400
        archived.committer.add_batch(
            "link",
            Batch([updating(START_NS + n, {f"key-{n}": "v" * 50}) for n in range(count)]),
        )
        archived.committer.close_commit()
        archived.make()
        store = CheckpointStore.open_primary(archived.data)
        size = sum(len(value) for _, value in store.all_rows())
        store.close()
        assert size < 2 * sum(len(event.stored) for event in archived.events()) * 2
        assert len(archived.rows("source")) < count / SEGMENT / 2


def test_checkpoints_of_another_archive_are_forgotten() -> None:
    """An archive that was moved away takes its truth with it."""
    with ExitStack() as stack:
        one, other = small(stack), small(stack)
        one.take([Drawn(minute, "a", "1.0.0", (("x", 1),)) for minute in range(50)])
        one.make()
        other.take([Drawn(7, "b", "1.0.0", (("x", 1),))])
        (one.data / CHECKPOINTS_FOLDER).rename(other.data / CHECKPOINTS_FOLDER)
        other.make()
        assert len(other.rows("source")) == 1


def test_checkpoints_of_a_later_state_of_an_archive_are_forgotten() -> None:
    """An archive was restored from a copy: events that it lacks are in no state."""
    with ExitStack() as stack:
        one = small(stack)
        one.take([Drawn(minute, "a", "1.0.0", (("x", 1),)) for minute in range(50)])
        one.archive.sync()
        other, fresh = small(stack, one.data), small(stack, one.data)
        one.take([Drawn(minute, "b", "1.0.0", (("x", 2),)) for minute in range(50)])
        one.make()
        (one.data / CHECKPOINTS_FOLDER).rename(other.data / CHECKPOINTS_FOLDER)
        other.make()
        fresh.make()
        assert other.rows("source") == fresh.rows("source") != {}


def test_checkpoints_that_cannot_be_read_are_made_anew() -> None:
    """They are derived: damage costs time and nothing else."""
    with ExitStack() as stack:
        archived = small(stack)
        archived.take([Drawn(minute, "a", "1.0.0", (("x", 1),)) for minute in range(50)])
        archived.make()
        before = archived.rows("source")
        (archived.data / CHECKPOINTS_FOLDER / "CURRENT").write_bytes(b"nonsense")
        archived.make()
        assert archived.rows("source") == before != {}
