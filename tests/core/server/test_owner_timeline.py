"""Followers get what their owner's streams cover, whatever the owner plays and where it is cut."""

from __future__ import annotations

import asyncio
import math
import random
from dataclasses import replace

import pytest

from nova.core.ordering import TIMEBASES
from nova.sdk import timestamps
from nova.sdk.protocol.follow_stream import FollowEnded
from nova.sdk.protocol.messages import CancelStream, Filters, Rate
from tests.core.conftest import START_NS
from tests.core.server.follow_model import FollowModel
from tests.core.server.followed import (
    INSTANTS,
    SELECTIONS,
    WAIT_S,
    FollowedOwner,
    GrowingArchive,
    OwnerStep,
    events_of,
)
from tests.laws import some_of


def random_step(chance: random.Random, before: OwnerStep | None) -> OwnerStep:
    """A stream that an owner may start, in place of or to continue the one before."""
    step = OwnerStep(
        rate=random_rate(chance, backwards=chance.random() < 0.5),
        timebase=chance.choice(TIMEBASES),
        filters=chance.choice(SELECTIONS),
        chunks=chance.choice((None, 0, 1, 2, 3, 5)),
        cancel=chance.random() < 0.5,
    )
    if before is not None and chance.random() < 0.4:
        step.rate = random_rate(chance, backwards=is_backwards(before.rate))
        step.timebase, step.resume = before.timebase, chance.randrange(3)
        step.at_cursor = chance.random() < 0.5
    elif step.timebase == "source":
        first, last = sorted(chance.randrange(INSTANTS) for _ in range(2))
        edges = [timestamps.text(START_NS + ms * 1_000_000) for ms in (first, last)]
        start, stop = edges[::-1] if is_backwards(step.rate) else edges
        step.start, step.stop = chance.choice((start, None)), chance.choice((stop, None))
    return step


def is_backwards(rate: Rate) -> bool:
    return rate == "-max" or (not isinstance(rate, str) and rate < 0)


def random_rate(chance: random.Random, *, backwards: bool) -> Rate:
    """As fast as it is read, or at a pace that takes a few chunks."""
    rate = chance.choice((None, 0.3, 1.0, 1_000.0))
    if rate is None:
        return "-max" if backwards else "max"
    return -rate if backwards else rate


@pytest.mark.parametrize("seed", some_of(range(30), 6))
async def test_a_follower_gets_every_covered_event_once_and_in_order(
    growing: GrowingArchive, seed: int
) -> None:
    """Ties at the end of a chunk, seeks, other rates and directions, streams that are cancelled in
    the middle of a chunk, and resumed ones: whatever the filters of both are. The followers of
    every second owner read nothing before it has gone.
    """
    chance = random.Random(seed)
    await growing.grow(chance, 60)
    owner, model = FollowedOwner(growing.view, growing.tail), FollowModel(growing.view)
    followers = [(filters, *(await owner.follow(filters))) for filters in SELECTIONS]
    for _, _, reader in followers:
        reader.room = math.inf if seed % 2 else 0
    resumed: list[bool] = []
    filters_of_owner: list[Filters] = []
    step: OwnerStep | None = None
    for _ in range(chance.randint(1, 8)):
        step = random_step(chance, step)
        if step.timebase == "canonical" and not isinstance(step.rate, str):
            step.rate *= 1_000
        resumed.append(await owner.play(step))
        filters_of_owner.append(step.filters)
        await growing.grow(chance, chance.randrange(10))
    for _, _, reader in followers:
        reader.room = math.inf
    await owner.finish([reader for _, _, reader in followers])
    await model.load()
    runs = owner.timeline.runs
    for run, chunks, filters in zip(runs, owner.sent, filters_of_owner, strict=True):
        assert events_of(chunks) == model.covered(run, run.after, filters), seed
    for filters, stream, reader in followers:
        expected = model.of_follower(runs, resumed, filters)
        assert reader.events == expected, (seed, filters)
        assert reader.skipped == 0
        await stream.close()


LIVE_STEPS = 6


@pytest.mark.parametrize("seed", some_of(range(12), 3))
@pytest.mark.parametrize("shed", [False, True])
async def test_a_follower_of_a_live_owner_gets_history_and_tail_whole(
    growing: GrowingArchive, shed: bool, seed: int
) -> None:
    """Also where the owner's client is slow and is kept at the present by leaving events out."""
    chance = random.Random(seed)
    await growing.grow(chance, 30)
    owner, model = FollowedOwner(growing.view, growing.tail), FollowModel(growing.view)
    followers = [(filters, *(await owner.follow(filters))) for filters in SELECTIONS]
    resumed: list[bool] = []
    chosen = chance.choice(SELECTIONS)
    step = OwnerStep("LIVE", shed=shed, filters=chosen, cancel=chance.random() < 0.5)
    for _ in range(chance.randint(1, 3)):
        before, step.timebase = step.timebase, chance.choice(TIMEBASES)
        step.start = chance.choice((None, timestamps.text(START_NS + 4_000_000)))
        step.resume = None
        if step.timebase == "canonical" and before == "canonical":
            step.resume = chance.choice((None, 1))
        resumed.append(await owner.play(replace(step, cancel=False)))
        for _ in range(chance.randrange(LIVE_STEPS)):
            owner.reader.room = chance.choice((0, math.inf))
            await growing.grow(chance, chance.choice((1, 3, 30)))
            await asyncio.sleep(chance.choice((0, 0.01)))
        owner.reader.room = math.inf
        await owner.wait_for_present()
        if step.cancel:
            await owner.stream.handle(CancelStream())
            await growing.grow(chance, 5)
    await owner.finish([reader for _, _, reader in followers])
    await model.load()
    for run, chunks in zip(owner.timeline.runs, owner.sent, strict=True):
        assert shed or events_of(chunks) == model.covered(run, run.after, chosen)
    for filters, _, reader in followers:
        assert reader.events == model.of_follower(owner.timeline.runs, resumed, filters), filters


async def test_a_follower_begins_where_its_owner_is(growing: GrowingArchive) -> None:
    """Amid a replay, and amid a tail; a stream that is over is nothing to follow."""
    chance = random.Random(1)
    await growing.grow(chance, 60)
    owner, model = FollowedOwner(growing.view, growing.tail), FollowModel(growing.view)
    await owner.play(OwnerStep(chunks=2, filters=Filters(lanes=["ui"])))
    _, first = await owner.follow(Filters())
    await owner.play(OwnerStep("LIVE", start=timestamps.text(START_NS)))
    await owner.wait_for_present()
    _, second = await owner.follow(Filters())
    before_ns = growing.view.watermark
    await growing.grow(chance, 5)
    await owner.wait_for_present()
    await owner.stream.handle(CancelStream())
    _, third = await owner.follow(Filters())
    await owner.finish([first, second, third])
    await model.load()
    replay, live = owner.timeline.runs
    joined = owner.sent[0][0].last_key
    assert joined is not None  # The second chunk is published when the owner leaves the stream.
    begun = model.covered(replay, bytes.fromhex(joined), Filters())
    assert first.events == begun + model.covered(live, None, Filters())
    assert second.events == model.covered(live, None, Filters())[-5:]
    assert all(event.canonical_ns > before_ns for event in model.events("canonical")[-5:])
    assert third.events == []


async def test_an_owner_that_goes_before_it_is_joined_has_gone(growing: GrowingArchive) -> None:
    """The edge must know, or it waits for ever."""
    owner = FollowedOwner(growing.view, growing.tail)
    await owner.finish([])
    _, late = await owner.follow(Filters())
    async with asyncio.timeout(WAIT_S):
        await late.moved.wait()
    assert late.ended == [FollowEnded(playback_request_id="f")]
