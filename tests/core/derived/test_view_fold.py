"""A fold's rows are those of a state to which every update was applied, to the byte."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from nova.core.derived.checkpoint_limits import CheckpointLimits
from nova.core.derived.view_fold import ViewFold
from nova.core.query.updates import Update, UpdateFields
from nova.core.store.checkpoint_store import ViewState, checkpoint_row, position_at
from tests.laws import law

SEGMENT_EVENTS = 3
KEYS = st.lists(st.sampled_from("abc"), unique=True, max_size=3)
"""In any order: that in which a state's keys were first set decides the bytes of a row."""


@law(100)
@given(st.lists(st.tuples(st.sampled_from(["1", "2"]), KEYS), max_size=16))
def test_rows_hold_every_update(updates: list[tuple[str, list[str]]]) -> None:
    limits = CheckpointLimits(segment_events=SEGMENT_EVENTS, states_max=2)
    fold = ViewFold("canonical", 7, [], lambda _: ViewState(), limits)
    states = {version: ViewState() for version in "12"}
    found, expected = [], []
    for number, (version, keys) in enumerate(updates):
        time_ns = number + 1
        data = {key: msgspec.Raw(b"%d" % time_ns) for key in keys}
        if number % SEGMENT_EVENTS == 0:
            segment, seen = position_at(time_ns), set[str]()
        if version not in seen:
            seen.add(version)
            expected.append(checkpoint_row("canonical", 7, segment, version, states[version]))
        states[version].apply(data, time_ns)
        fields = UpdateFields("", "view", version, data)
        row = fold.add(Update(position_at(time_ns), time_ns, time_ns, fields, bytes(1_000)))
        found += [] if row is None else [row]
    assert found == expected
