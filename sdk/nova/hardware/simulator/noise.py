"""Noise as a function of seed, channel and time: the same instant gives the same measurement."""

from __future__ import annotations

import random


def gauss(seed: int, channel: str, at_ns: int, sigma: float) -> float:
    """A normally distributed value."""
    return random.Random(f"{seed}/{channel}/{at_ns}").gauss(0.0, sigma)


def uniform(seed: int, channel: str, number: int, low: float, high: float) -> float:
    """A uniformly distributed value for a numbered draw."""
    return random.Random(f"{seed}/{channel}/{number}").uniform(low, high)
