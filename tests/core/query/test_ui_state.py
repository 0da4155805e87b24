"""The state of views at a time is the fold of their updates, with and without checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.derived.checkpoint_limits import CheckpointLimits
from nova.core.errors import RequestError
from nova.core.ordering import TIMEBASES, Timebase
from nova.core.query.ui_state import UiStates
from nova.core.store.checkpoint_store import HOUR_NS, CheckpointStore
from nova.sdk import timestamps
from nova.sdk.protocol.messages import Filters
from nova.sdk.protocol.views import GetUiState, UiStateInfo
from nova.sdk.timestamps import NS_MAX
from tests.core.derived.test_checkpoint_maker import Archived
from tests.core.telling import START_NS, ViewedEvent
from tests.core.viewing import ARRIVALS, MINUTE_NS, UNITS, Drawn, Folded, state_by_hand
from tests.laws import law

SMALL = CheckpointLimits(segment_events=3)
"""Segments so small that a few updates make several."""


async def shown(
    archived: Archived, states: UiStates, timebase: Timebase, at_ns: int
) -> dict[str, Folded]:
    """What each unit shows, and that a checkpoint and the updates after it make the same."""
    archived.view.advance(archived.committer.last_ns)
    answer = await states.respond(GetUiState(), timebase, at_ns)
    for info in answer.states:
        assert folded(info) == msgspec.json.decode(info.state)
    return {info.unique_id: as_folded(info) for info in answer.states}


def folded(info: UiStateInfo) -> object:
    """The checkpoint with the updates after it, folded by whoever asked (A-225)."""
    data = {} if info.checkpoint is None else msgspec.json.decode(info.checkpoint.data)
    for stored in info.updates:
        data |= msgspec.json.decode(stored)["data"]
    return data


def as_folded(info: UiStateInfo) -> Folded:
    """An answer in the form of the brute force."""
    times = {key: timestamps.parse(text) for key, text in info.key_times.items()}
    data = msgspec.json.decode(info.state, type=dict[str, int])
    last_ns = timestamps.parse(info.last_time)
    return Folded(info.manifest_version, data, times, last_ns, info.last_event_id)


def by_hand(events: Sequence[ViewedEvent], timebase: Timebase, at_ns: int) -> dict[str, Folded]:
    """The same by brute force."""
    found = {unit: state_by_hand(events, timebase, unit, at_ns) for unit in UNITS}
    return {unit: state for unit, state in found.items() if state is not None}


@law(15)
@given(
    batches=ARRIVALS,
    made=st.lists(st.booleans(), min_size=6, max_size=6),
    minutes=st.lists(st.integers(-2, 140) | st.sampled_from((59, 60, 600)), max_size=8),
    places=st.lists(st.integers(0, 40), max_size=8),
)
async def test_a_state_is_the_brute_force_fold(
    batches: list[list[Drawn]], made: list[bool], minutes: list[int], places: list[int]
) -> None:
    """A-225, AMB-32, AMB-46, AMB-47: with ties, late ones, copies, several versions and
    checkpoints that lag by some commits or are not there; at any time, in both timebases.
    """
    with ExitStack() as stack:
        archived = Archived(stack, limits=SMALL)
        states = UiStates(archived.view, archived.data, archived.data / "scratch-checkpoints")
        stack.callback(states.close)
        for batch, is_made in zip(batches, made, strict=False):
            archived.take(batch)
            if is_made:
                archived.make()
        events = archived.events()
        canonical = sorted(event.canonical_ns for event in events) or [0]
        times: dict[Timebase, list[int]] = {
            "source": [START_NS + minute * MINUTE_NS for minute in minutes],
            "canonical": [canonical[place % len(canonical)] for place in places],
        }
        for timebase in TIMEBASES:
            for at_ns in (*times[timebase], NS_MAX):
                expected = by_hand(events, timebase, at_ns)
                assert await shown(archived, states, timebase, at_ns) == expected
        archived.make()
        for timebase in TIMEBASES:
            for at_ns in (*times[timebase], NS_MAX):
                expected = by_hand(events, timebase, at_ns)
                assert await shown(archived, states, timebase, at_ns) == expected


def drawn(minute: int, value: int, version: str = "1.0.0") -> Drawn:
    """An update of unit a."""
    return Drawn(minute, "a", version, (("x", value),))


async def test_a_late_update_is_seen_before_its_checkpoints_are() -> None:
    """AMB-45: a stale checkpoint is not used, and an earlier one that is right is."""
    with ExitStack() as stack:
        archived = Archived(stack, limits=SMALL)
        states = UiStates(archived.view, archived.data, archived.data / "scratch-checkpoints")
        stack.callback(states.close)
        archived.take([drawn(minute, minute) for minute in range(0, 300, 10)])
        archived.make()
        archived.take([Drawn(65, "a", "1.0.0", (("late", 7),))])
        archived.view.advance(archived.committer.last_ns)
        answer = await states.respond(GetUiState(), "source", NS_MAX)
        assert msgspec.json.decode(answer.states[0].state) == {"x": 290, "late": 7}
        stale = answer.states[0].checkpoint
        assert stale is not None
        assert START_NS <= timestamps.parse(stale.time) <= START_NS + 65 * MINUTE_NS
        archived.make()
        answer = await states.respond(GetUiState(), "source", NS_MAX)
        assert msgspec.json.decode(answer.states[0].state) == {"x": 290, "late": 7}
        fresh = answer.states[0].checkpoint
        assert fresh is not None and len(answer.states[0].updates) <= 3
        assert timestamps.parse(fresh.time) >= START_NS + 4 * HOUR_NS


async def test_what_is_read_is_bounded_by_a_segment() -> None:
    """The number of folded updates is bounded, however many an hour has."""
    with ExitStack() as stack:
        archived = Archived(stack, limits=SMALL)
        archived.take([drawn(minute, minute) for minute in range(50)])
        archived.make()
        archived.view.advance(archived.committer.last_ns)
        states = UiStates(archived.view, archived.data, archived.data / "scratch-checkpoints")
        stack.callback(states.close)
        for timebase in TIMEBASES:
            answer = await states.respond(GetUiState(), timebase, NS_MAX)
            assert 1 <= len(answer.states[0].updates) <= 3


async def test_pages_and_filters() -> None:
    """A-134: pages go by the view, a filter narrows, and updates may be left out."""
    with ExitStack() as stack:
        archived = Archived(stack, limits=SMALL)
        archived.take([drawn(0, 1), Drawn(0, "b", "1.0.0", (("x", 2),))])
        archived.view.advance(archived.committer.last_ns)
        states = UiStates(archived.view, archived.data, archived.data / "scratch-checkpoints")
        stack.callback(states.close)
        first = await states.respond(GetUiState(limit=1, updates=False), "source", NS_MAX)
        assert [info.unique_id for info in first.states] == ["a"]
        assert first.states[0].updates == []
        rest = GetUiState(after_key=first.next_key)
        second = await states.respond(rest, "source", NS_MAX)
        assert [info.unique_id for info in second.states] == ["b"]
        assert second.next_key is None
        only = GetUiState(filters=Filters(unique_id="b"))
        answer = await states.respond(only, "source", NS_MAX)
        assert [info.unique_id for info in answer.states] == ["b"]
        with pytest.raises(RequestError, match="afterKey"):
            await states.respond(GetUiState(after_key="x"), "source", NS_MAX)


async def test_checkpoints_beyond_the_mark_are_not_used() -> None:
    """Invariant 6: a state has no event beyond the reader's watermark."""
    with ExitStack() as stack:
        archived = Archived(stack, limits=SMALL)
        archived.take([drawn(5, 1)])
        mark = archived.committer.last_ns
        archived.take([Drawn(0, "a", "1.0.0", (("y", 9),))])
        store = CheckpointStore.open_primary(archived.data)
        store.close()
        archived.make()
        archived.view.watermark = mark
        states = UiStates(archived.view, archived.data, archived.data / "scratch-checkpoints")
        stack.callback(states.close)
        answer = await states.respond(GetUiState(), "source", NS_MAX)
        assert msgspec.json.decode(answer.states[0].state) == {"x": 1}
