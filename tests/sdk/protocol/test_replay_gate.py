"""The replay gate: it is closed in doubt, and opens only by what is served."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nova.sdk.protocol.replay_gate import (
    REASON_NOT_PRESENT,
    REASON_READER_LOST,
    REASON_REPLAY,
    ReplayGate,
)

TIME = "2026-01-01T00:00:00.000000000Z"


def test_a_new_connection_looks_at_the_present() -> None:
    """Unless whoever opened it says otherwise."""
    assert ReplayGate().reason is None
    assert ReplayGate(REASON_READER_LOST).reason == REASON_READER_LOST


def test_what_is_stated_is_taken_back_and_no_more() -> None:
    """Nothing of what was served."""
    gate = ReplayGate()
    gate.accept_stream("REPLAY", is_present=False)
    gate.report_cursor(TIME)
    assert TIME in (gate.reason or "")
    gate.report_cursor(None)
    assert gate.reason == REASON_REPLAY


def test_live_is_the_present_while_it_is_there() -> None:
    """Not before, not after its end, and where nobody knows not after a loss."""
    gate, found = ReplayGate(), []
    gate.accept_stream("LIVE", is_present=False)
    found.append(gate.reason)
    gate.update_present(is_present=True)
    found.append(gate.reason)
    gate.end_stream()
    found.append(gate.reason)
    gate.accept_stream("LIVE", is_present=None)
    found.append(gate.reason)
    gate.lose_reader(is_streaming=False)
    found.append(gate.reason)
    assert found == [REASON_NOT_PRESENT, None, REASON_NOT_PRESENT, None, REASON_READER_LOST]


STEPS = st.sampled_from(("end", "lose", "state", "unstate"))


@given(st.lists(STEPS, max_size=8))
def test_nothing_but_a_served_live_ends_a_replay(steps: list[str]) -> None:
    """A property; a LIVE stream's place is only announced after it has been served."""
    gate = ReplayGate()
    gate.accept_stream("REPLAY", is_present=False)
    for step in steps:
        if step == "end":
            gate.end_stream()
        elif step == "lose":
            gate.lose_reader(is_streaming=True)
        elif step == "state":
            gate.report_cursor(TIME)
        elif step == "unstate":
            gate.report_cursor(None)
        assert gate.reason is not None
