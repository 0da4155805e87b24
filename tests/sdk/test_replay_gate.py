"""The replay gate: in doubt it is the past, and nothing opens it but what is served."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sdk.replay_gate import NOT_PRESENT, READER_LOST, SERVED_REPLAY, ReplayGate

TIME = "2026-01-01T00:00:00.000000000Z"


def test_a_new_connection_looks_at_the_present() -> None:
    """Unless whoever opened it says otherwise."""
    assert ReplayGate().reason is None
    assert ReplayGate(READER_LOST).reason == READER_LOST


def test_what_is_stated_is_taken_back_and_no_more() -> None:
    """Nothing of what was served."""
    gate = ReplayGate()
    gate.serve("REPLAY", is_present=False)
    gate.state(TIME)
    assert TIME in (gate.reason or "")
    gate.state(None)
    assert gate.reason == SERVED_REPLAY


def test_live_is_the_present_while_it_is_there() -> None:
    """Not before, not after its end, and where nobody knows not after a loss."""
    gate, found = ReplayGate(), []
    gate.serve("LIVE", is_present=False)
    found.append(gate.reason)
    gate.follow(is_present=True)
    found.append(gate.reason)
    gate.end()
    found.append(gate.reason)
    gate.serve("LIVE", is_present=None)
    found.append(gate.reason)
    gate.lose(is_streaming=False)
    found.append(gate.reason)
    assert found == [NOT_PRESENT, None, NOT_PRESENT, None, READER_LOST]


STEPS = st.sampled_from(("end", "lose", "state", "unstate"))


@given(st.lists(STEPS, max_size=8))
def test_nothing_but_a_served_live_ends_a_replay(steps: list[str]) -> None:
    """A property; a LIVE stream's place is only told after it has been served."""
    gate = ReplayGate()
    gate.serve("REPLAY", is_present=False)
    for step in steps:
        if step == "end":
            gate.end()
        elif step == "lose":
            gate.lose(is_streaming=True)
        elif step == "state":
            gate.state(TIME)
        elif step == "unstate":
            gate.state(None)
        assert gate.reason is not None
