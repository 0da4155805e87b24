"""Finds the newest row that was known at a time, for many rows at once."""

from __future__ import annotations

import numpy as np

from nova.core.store.column_codec import Integers

NONE = -1
NEVER = np.iinfo(np.int64).max


def newest_known(arrivals: Integers, before: Integers, known_ns: Integers) -> Integers:
    """For each query the largest place below `before` whose arrival is at or before `known_ns`;
    NONE if there is none.
    """
    places = before - 1
    is_open = places >= 0
    unknown = np.flatnonzero(is_open)[arrivals[places[is_open]] > known_ns[is_open]]
    if len(unknown):
        places[unknown] = _search(arrivals, before[unknown] - 1, known_ns[unknown])
    return places


def _search(arrivals: Integers, before: Integers, known_ns: Integers) -> Integers:
    """The same by the minima of blocks of 1, 2, 4, … arrivals: up from the end until a block has
    one that is early enough, and down in it to the last one.
    """
    levels = _minima(arrivals)
    ends, found, level_of = before.copy(), np.full(len(before), NONE), np.zeros(len(before), int)
    for level, minima in enumerate(levels):
        at = np.flatnonzero((found == NONE) & (ends % 2 == 1))
        ends[at] -= 1
        hits = at[minima[ends[at]] <= known_ns[at]]
        found[hits], level_of[hits] = ends[hits], level
        ends //= 2
    for level in range(len(levels) - 1, 0, -1):
        at = np.flatnonzero((found != NONE) & (level_of == level))
        right = 2 * found[at] + 1
        is_right = levels[level - 1][right] <= known_ns[at]
        found[at], level_of[at] = right - ~is_right, level - 1
    return found


def _minima(arrivals: Integers) -> list[Integers]:
    """The minima of blocks of arrivals, each level with blocks twice as large; all of even length
    but the last.
    """
    levels = [_even(arrivals)]
    while len(levels[-1]) > 1:
        level = np.minimum(levels[-1][::2], levels[-1][1::2])
        levels.append(level if len(level) == 1 else _even(level))
    return levels


def _even(values: Integers) -> Integers:
    return np.append(values, NEVER) if len(values) % 2 else values
