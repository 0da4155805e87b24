"""The screen: one report a second from each unit."""

from __future__ import annotations

from nova.hardware.simulator.screen import ViewRateLimit
from nova.sdk.events.observation import Entity

UNIT = Entity("sat", "gnc", "gps")
OTHER = Entity("sat", "gnc", "attitude")
SECOND = 10**9


def test_one_a_second_from_each_unit() -> None:
    """Seconds of the clock, so that a restart finds the same reports due."""
    screen = ViewRateLimit()
    tenths = [11 * SECOND + tick * SECOND // 10 for tick in range(25)]
    assert [at // SECOND for at in tenths if screen.is_due(UNIT, at)] == [11, 12, 13]
    assert screen.is_due(OTHER, tenths[-1])
