"""Noise: random to look at, and the same for the same moment."""

from __future__ import annotations

from statistics import fmean, stdev

from nova.hardware.simulator import noise


def test_same_moment_measures_the_same() -> None:
    """Invariant 2: seed, channel and time decide, each of them."""
    first = noise.gauss(1, "gps", 5, 1.0)
    assert noise.gauss(1, "gps", 5, 1.0) == first
    others = [(2, "gps", 5), (1, "sun", 5), (1, "gps", 6)]
    assert len({first, *(noise.gauss(*other, 1.0) for other in others)}) == 4


def test_noise_has_the_spread_it_was_given() -> None:
    """Thousand draws: mean near nought, spread near sigma (a fixed seed, so never by chance)."""
    draws = [noise.gauss(1, "gps", number, 3.0) for number in range(1000)]
    assert abs(fmean(draws)) < 0.3
    assert 2.8 < stdev(draws) < 3.2
    assert all(2 <= noise.uniform(1, "slew", number, 2, 4) <= 4 for number in range(100))
