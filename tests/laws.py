"""Laws that are tried on few examples each time and on many now and then."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

TIMES = float(os.environ.get("NOVA_TEST_EXAMPLES", "0.25"))
"""`make test` tries a quarter of the examples that a law states, `make test-slow` many times as
many.
"""

EXAMPLES_MIN = 4
UNSTATED_EXAMPLES = 100
EXAMPLE_MAX_S = 30
LAW_MIN_S = 300
"""The time limit of an ordinary test."""

Test = TypeVar("Test", bound=Callable[..., object])


def some_of(cases: Iterable[object], count: int) -> list[object]:
    """Of many cases `make test` tries a few from everywhere, and `make test-slow` all."""
    cases = list(cases)
    kept = {round(place * (len(cases) - 1) / max(1, count - 1)) for place in range(count)}
    return [
        case if place in kept else pytest.param(case, marks=pytest.mark.slow)
        for place, case in enumerate(cases)
    ]


def tried(examples: int) -> int:
    """How many of a law's examples this run tries."""
    return max(min(examples, EXAMPLES_MIN), round(examples * TIMES))


def law(examples: int) -> Callable[[Test], Test]:
    """A property test on real parts, which takes its time with each example."""
    trying = settings(
        max_examples=tried(examples),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )

    def mark(test: Test) -> Test:
        timeout = pytest.mark.timeout(max(LAW_MIN_S, tried(examples) * EXAMPLE_MAX_S))
        marked: Test = pytest.mark.law(timeout(trying(test)))
        return marked

    return mark
