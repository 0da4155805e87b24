"""What a definition makes live, against the rule alone, and its faults."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from nova.core.commit_feed import CommitFrame
from nova.core.derivation.live_definition import LiveDefinition
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.sdk.timestamps import NS_MIN
from nova.sdk.transport.base import Record
from tests.core.derivation.deriving import (
    AMPS,
    VOLTS,
    InlineEvaluator,
    definition_of,
    expected,
    outputs_of,
    random_events,
)

Commit = Callable[[Sequence[Record]], CommitFrame]

SHAPES: list[dict[str, Any]] = [
    {},
    {"triggers": ["amps"]},
    {"inputs": {"volts": {**VOLTS, "max_age_s": 3}, "amps": AMPS}},
    {"inputs": {"volts": {**VOLTS, "samples": 3, "aggregate": "mean"}, "amps": AMPS}},
    {"inputs": {"volts": VOLTS, "amps": {**AMPS, "seconds": 7, "aggregate": "max"}}},
    {"inputs": {"volts": {**VOLTS, "seconds": 15, "aggregate": "count"}, "amps": AMPS}},
]


@pytest.mark.law
@pytest.mark.parametrize("shape", range(len(SHAPES)))
async def test_live_outputs_follow_the_rule(
    commit: Commit, view: ArchiveSnapshot, shape: int
) -> None:
    """Whatever the groups in which events are committed, and wherever the process restarts."""
    definition = definition_of(**SHAPES[shape])
    chance = random.Random(shape)
    sent = random_events(shape, 160)
    made: list[Record] = []

    async def publish(records: Sequence[Record]) -> None:
        made.extend(records)

    position_ns = NS_MIN
    evaluator = InlineEvaluator()
    live = LiveDefinition(definition, view, evaluator, position_ns, kept_rows=8)
    at = 0
    while at < len(sent):
        count = chance.randint(1, 12)
        commit([one.record() for one in sent[at : at + count]])
        at += count
        if chance.random() < 0.2:  # It was killed: the next begins where the last one had been.
            live = LiveDefinition(definition, view, evaluator, position_ns, kept_rows=8)
        while live.position_ns < view.watermark:
            await live.step(publish)
        if chance.random() < 0.5:
            position_ns = live.position_ns
    assert outputs_of(made) == expected(definition, sent)
    assert len(expected(definition, sent)) > 40
