"""Noise that is a function of seed, channel and time: the same moment measures the same again."""

from __future__ import annotations

import random


def gauss(seed: int, channel: str, at_ns: int, sigma: float) -> float:
    """A normal deviate."""
    return random.Random(f"{seed}/{channel}/{at_ns}").gauss(0.0, sigma)


def uniform(seed: int, channel: str, number: int, low: float, high: float) -> float:
    """An even deviate for a numbered draw."""
    return random.Random(f"{seed}/{channel}/{number}").uniform(low, high)
