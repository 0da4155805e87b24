"""Data of a source gathers between two reads."""

from __future__ import annotations

import asyncio

import pytest

from nova.hardware.read_pause import GATHERED_BYTES, LEAST_S, MOST_S, ReadPause


class LoopTime:
    """The time of the loop, and the pauses that were made."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now_s, self.pauses_s = 100.0, list[float]()
        patch.setattr(asyncio.get_running_loop(), "time", lambda: self.now_s)
        patch.setattr(asyncio, "sleep", self._sleep)

    async def _sleep(self, delay_s: float) -> None:
        self.pauses_s.append(delay_s)


@pytest.mark.parametrize(
    ("spent_s", "pause_s"),
    [(0.0, LEAST_S), (0.01, 0.01), (60.0, MOST_S)],
    ids=["fast", "as long as it took", "outage"],
)
async def test_a_read_waits_as_long_as_the_data_before_took(
    spent_s: float, pause_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within limits, and once for each read."""
    clock, pause = LoopTime(monkeypatch), ReadPause()
    pause.count(1)
    clock.now_s += spent_s
    await pause.wait()
    await pause.wait()
    assert clock.pauses_s == [pytest.approx(pause_s)]


async def test_nothing_waits_after_much_data_nor_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that is faster than the pause fills its reads anyway."""
    clock, pause = LoopTime(monkeypatch), ReadPause()
    await pause.wait()
    pause.count(1)
    pause.count(GATHERED_BYTES)
    await pause.wait()
    assert clock.pauses_s == []
