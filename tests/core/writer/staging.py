"""Runs one stage alone, and holds that it changes nothing that it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, TypeVar

from nova.core.writer.columns import BatchColumns, check_records
from nova.core.writer.commit import Commit
from nova.core.writer.delivered_batch import DeliveredBatch
from nova.core.writer.new_events import NewEvents, StampedEvents
from nova.core.writer.stages.stamp import Stamp
from nova.sdk.events.checker import Checker
from nova.sdk.transport.base import Batch, Gap, Receipt, Record, Rejection

Given = TypeVar("Given")
Result = TypeVar("Result")


def run(stage: Callable[[Given, Commit], Result], given: Given, commit: Commit) -> Result:
    """What a stage returns; what it was given and the open commit are as before."""
    before = deepcopy(given), _content(commit)
    result = stage(given, commit)
    assert (given, _content(commit)) == before
    return result


def _content(commit: Commit) -> Any:
    """All of a commit and its state, but for the clock, which assigns times."""
    state = commit.state
    known = (state.series.names, state.counters, state.positions)
    size = commit.fitting_end([b"x"] * 100_000, 0)
    return deepcopy((commit.keys, commit.selections, commit.rollups, size, known))


def columns(records: Sequence[Record]) -> BatchColumns:
    """The columns of records of any scope."""
    return check_records(records, Checker(None))


def new_events(records: Sequence[Record], numbers: Sequence[int] | None = None) -> NewEvents:
    """The events of records, or some of them, as what the archive lacks."""
    of_all = columns(records)
    chosen = list(range(len(of_all.keys))) if numbers is None else numbers
    return NewEvents(of_all, chosen, len(chosen))


def stamped(events: NewEvents, commit: Commit) -> StampedEvents:
    """Events with their canonical times; their series are added to the commit."""
    stamps, added = Stamp(commit.state.clock)(events, commit)
    commit.add(added)
    return stamps


def delivered(
    records: Sequence[Record] = (),
    positions: dict[str, int] | None = None,
    *,
    new: int = 0,
    duplicate: int = 0,
    gaps: Sequence[Gap] = (),
    link: str = "link",
) -> DeliveredBatch:
    """A batch of a link whose events have been added."""
    found = columns(records)
    rejected = [Rejection(*refused) for refused in found.refusals]
    batch = Batch(records, positions or {}, gaps)
    return DeliveredBatch(link, batch, found, Receipt(new, duplicate, rejected))
