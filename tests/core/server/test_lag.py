"""The lag of a LIVE stream: the time that it has sent against the watermark."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nova.core.server.lag import Lag

MAX_S = 10.0


class LagClock:
    """A clock that is set by hand."""

    now_s = 100.0

    def __call__(self) -> float:
        """The time that was set."""
        return self.now_s


@given(st.floats(0.0, 30.0), st.integers(40, 400))
def test_the_present_is_what_was_durable_max_s_ago(behind_s: float, steps: int) -> None:
    """A stream with a constant lag never sees the newest watermark. It counts as present exactly
    if its lag is below the limit, within the interval of the checks.
    """
    clock, step_s = LagClock(), 0.25
    lag = Lag(MAX_S, is_present=True, clock=clock)
    for _ in range(steps):
        clock.now_s += step_s
        lag.look(int(clock.now_s * 1000))
        lag.sent(int((clock.now_s - behind_s) * 1000))
    if behind_s <= MAX_S - 3 * step_s:
        assert lag.is_present
    if behind_s > MAX_S and steps * step_s > MAX_S:
        assert not lag.is_present


def test_a_stream_that_has_caught_up_shows_the_present_again() -> None:
    """However long it was behind."""
    clock = LagClock()
    lag = Lag(MAX_S, is_present=False, clock=clock)
    for watermark in range(1_000):
        clock.now_s += 1.0
        lag.look(watermark)
    assert not lag.is_present
    lag.sent(999)
    assert lag.is_present
