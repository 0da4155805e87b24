"""Alarms depend on events, rules and actions alone, not on their order of arrival or on kills."""

from __future__ import annotations

import random
from contextlib import ExitStack

from hypothesis import given
from hypothesis import strategies as st

from nova.core.ordering import TIMEBASES
from nova.core.query.commit_tail import CommitTail
from tests.core.alarms.alarm_oracle import SECOND
from tests.core.derived.alarming import (
    LAST_S,
    SCOPE,
    START_NS,
    AlarmedArchive,
    draw_event,
    visible,
)
from tests.laws import law


@law(6)
@given(st.integers(0, 2**32 - 1))
def test_alarms_equal_the_brute_force_whatever_the_arrival_and_the_kills(seed: int) -> None:
    draw = random.Random(seed)
    with ExitStack() as stack:
        archived = AlarmedArchive(stack, tail=draw.choice((None, CommitTail(), CommitTail(3_000))))
        calm = draw.choice((0.0, 0.5, 0.8))
        drawn = [draw_event(draw, calm) for _ in range(draw.randint(5, 60))]
        drawn += draw.sample(drawn, len(drawn) // 6)  # Duplicates, which may be late.
        if draw.random() < 0.5:
            drawn.sort(key=lambda one: one.source_ns + draw.choice((0, 0, 3)) * SECOND)
        while drawn:
            size = draw.randint(1, 12)
            part, drawn = drawn[:size], drawn[size:]
            archived.record(part, draw.randint(0, 3))
            archived.make(draw.choice((None, None, 1, 2)))
        archived.make()
        assert_by_hand(archived, draw)
        live = archived.digest()
        archived.make(anew=True)
        assert archived.digest() == live, "a rebuild makes the same"


def assert_by_hand(archived: AlarmedArchive, draw: random.Random) -> None:
    """Each alarm, at random times in both timebases, and all of its transitions."""
    with ExitStack() as stack:
        view = archived.view(stack)
        for number, name in enumerate(view.names):
            assert name.rule_scope == SCOPE
            for timebase in TIMEBASES:
                last_ns = START_NS + 10**12
                for until_ns in (
                    START_NS + draw.randint(-1, 2 * LAST_S) * SECOND,
                    START_NS + draw.randint(0, 3 * LAST_S) * SECOND // 2 + draw.randint(0, 5),
                    last_ns,
                ):
                    ((_, alarm),) = view.alarms_at(timebase, [number], until_ns)
                    expected = archived.by_hand(name, timebase, until_ns)
                    assert visible(alarm) == expected.visible(), (timebase, until_ns, name)
                found = view.transitions(timebase, [number], -(2**63), last_ns)
                changes = [
                    (one.time_ns, one.change, one.alarm.state, one.alarm.rank)
                    for _, _, one in found
                ]
                assert changes == expected.changes, (timebase, name)
