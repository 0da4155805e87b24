"""Whether times advance as clocks are sampled: in tenths of a second, or at whole hertz."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, median

GRID_S = 0.1
RATE_MAX_HZ = 200
NEAR_SHARE = 0.25
"""Steps that differ from the median by at most this share of it make up the period."""
HALF = 0.5


def steps_of(times: Sequence[int], per_second: int) -> list[float]:
    """The steps in seconds between times, sorted and without repetitions."""
    return [(after - before) / per_second for before, after in pairwise(sorted(set(times)))]


def is_round(seconds: float, tolerance_s: float) -> bool:
    """Whether a step is near to a multiple of 0.1 s, or to a whole number of steps per second."""
    on_grid = abs(seconds - round(seconds / GRID_S) * GRID_S) <= tolerance_s
    if seconds >= GRID_S / 2 and on_grid:
        return True
    rate = 1 / seconds
    return HALF < rate <= RATE_MAX_HZ and abs(rate - round(rate)) <= tolerance_s / GRID_S


def round_share(steps: Sequence[float], tolerance_s: float) -> float:
    """The share of steps that are round."""
    return sum(is_round(one, tolerance_s) for one in steps) / len(steps) if steps else 0.0


def period_of(steps: Sequence[float]) -> float | None:
    """The mean of the steps near to their median; None if fewer than half of them are."""
    if not steps:
        return None
    middle = median(steps)
    near = [one for one in steps if abs(one - middle) <= NEAR_SHARE * middle]
    return fmean(near) if len(near) >= HALF * len(steps) else None
