"""The figures of every store, ours and the peers', and how they are computed from times."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

import msgspec

MS, US = 1e3, 1e6
"""Milliseconds and microseconds in a second."""


class Figures(msgspec.Struct, kw_only=True):
    """One store under the work; rates in events per second, a figure is absent where the store has
    no such thing.
    """

    ingest_hz: float | None = None
    canonical_hz: float | None = None
    source_hz: float | None = None
    seek_canonical_p50_ms: float | None = None
    seek_canonical_p99_ms: float | None = None
    seek_source_p50_ms: float | None = None
    seek_source_p99_ms: float | None = None
    bytes_per_event: float | None = None


def quantile(values: Sequence[float], share: float) -> float:
    """The quantile of a share."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def seconds_each(task: Callable[[int], object], arguments: Iterable[int]) -> list[float]:
    """Seconds of a task for each argument."""
    found = []
    for argument in arguments:
        started = time.perf_counter()
        task(argument)
        found.append(time.perf_counter() - started)
    return found


def rate(task: Callable[[], int]) -> float:
    """Events per second of a task that returns their number."""
    started = time.perf_counter()
    events = task()
    return events / (time.perf_counter() - started)
