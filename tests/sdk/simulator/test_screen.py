"""The screen: changed keys once a second, all of them on the grid of the history."""

from __future__ import annotations

from sdk.observation import Entity
from sdk.simulator.screen import Screen

UNIT = Entity("sat", "gnc", "gps")
OTHER = Entity("sat", "gnc", "attitude")
SECOND = 10**9


def test_changed_keys_once_a_second() -> None:
    """The first report is told whole; then what changed since the last one that was told."""
    screen = Screen()
    assert screen.update(UNIT, 11 * SECOND, {"a": 1, "b": 1}) == {"a": 1, "b": 1}
    assert screen.update(UNIT, 11 * SECOND + SECOND // 2, {"a": 2, "b": 1}) == {}
    assert screen.update(UNIT, 12 * SECOND, {"a": 3, "b": 1}) == {"a": 3}
    assert screen.update(UNIT, 13 * SECOND, {"a": 3, "b": 1}) == {}
    assert screen.update(OTHER, 13 * SECOND, {"a": 3}) == {"a": 3}


def test_all_keys_on_the_grid() -> None:
    """Whole fives of seconds, whatever was told before: a restart tells the same there."""
    payload = {"a": 1, "b": 1}
    screen = Screen()
    for second in range(10, 15):
        screen.update(UNIT, second * SECOND, payload)
    assert screen.update(UNIT, 15 * SECOND, payload) == payload
    assert Screen().update(UNIT, 15 * SECOND, payload) == payload
